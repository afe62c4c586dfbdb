"""The page is one file that fetches nothing: every script is named by its hash, and what comes from outside stays text."""

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import replace
from importlib.resources import files

from duologue_cards.report.content import Page, Table, Tile
from duologue_cards.report.conversation import Conversation, player_document
from duologue_cards.report.page import render_page

EVIL = '</script><script>alert("1")</script><!-- & \u2028'

TALK = Conversation(
    why="most overlap",
    about=("telephone", EVIL),
    duration_s=2.0,
    whole_s=9.0,
    activity={"a": [(0.0, 1.0)], "b": [(0.8, 1.9)]},
    words=[{"speaker": "a", "word": EVIL, "start_s": 0.1, "end_s": 0.4, "tags": ["filler"]}],
    events=[
        {
            "kind": "turn",
            "speaker": "a",
            "start_s": 0.0,
            "end_s": 1.0,
            "confidence": 1.0,
            "source": "both",
            "rules": "1",
        },
        {
            "kind": "interruption",
            "speaker": "b",
            "start_s": 0.8,
            "end_s": 1.9,
            "floor_taking": True,
            "stop_latency_s": 0.31,
            "confidence": 0.85,
            "source": "activity",
            "rules": "2.1",
        },
        {
            "kind": "filler",
            "speaker": "a",
            "start_s": 0.1,
            "end_s": 0.4,
            "confidence": 1.0,
            "source": "words",
            "rules": "1",
        },
        {
            "kind": "pause",
            "speaker": "a",
            "start_s": 0.4,
            "end_s": 0.6,
            "confidence": 1.0,
            "source": "words",
            "rules": "1",
        },
    ],
)

PAGE = Page(
    title=EVIL,
    version="1.0.0",
    lead="a release",
    warning="",
    numbers=[("3", "conversations")],
    uses=[("training", "fail", EVIL)],
    tiles=[Tile("Realistic overlap", "unknown", EVIL)],
    conversations=[player_document(TALK, 1, None, no_sound="there is no sound")],
    chosen="by rule",
    people="people",
    turns=[],
    isolation=[Table("faults", ("fault", "found"), ((EVIL, "0"),))],
    consent=[],
    unknown=[EVIL],
    rest=[],
    made_by="duologue",
)


def scripts(page: str) -> list[str]:
    return re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)


def test_the_policy_names_every_script_and_the_style_by_its_hash_and_nothing_else() -> None:
    page = render_page(PAGE)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    directives = dict(each.split(" ", 1) for each in policy[1].replace("&#39;", "'").split("; "))
    style = re.search(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert style

    def named(text: str) -> str:
        return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert directives["default-src"] == "'none'"
    assert directives["script-src"].split() == [named(script) for script in scripts(page)]
    assert directives["style-src"].split()[0] == named(style[1])
    assert directives["media-src"] == "blob:"
    assert len(scripts(page)) == 4


def test_what_comes_from_outside_stays_text() -> None:
    page = render_page(PAGE)
    assert 'alert("1")' not in re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
    (data,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    assert "<" not in data
    assert json.loads(data)[0]["words"][0]["word"] == EVIL


def test_the_page_names_no_address_that_could_be_fetched() -> None:
    page = render_page(PAGE)
    attributes = re.findall(
        r'\s(?:src|href|srcset|action|poster)="([^"]*)"', re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    )
    assert attributes == []


def test_a_page_without_conversations_has_no_script() -> None:
    page = render_page(replace(PAGE, conversations=[]))
    assert "<script" not in page
    assert "script-src &#39;none&#39;" in page or "script-src 'none'" in page


def test_the_same_content_gives_the_same_bytes() -> None:
    assert render_page(PAGE) == render_page(PAGE)


def test_the_player_gets_what_it_shows_and_no_more() -> None:
    document = player_document(TALK, 2, None, no_sound="why")
    assert document["label"] == "conversation 2"
    assert [event["kind"] for event in document["events"]] == ["turn", "interruption", "disfluency"]
    assert document["events"][1]["told"] == [
        "takes the floor yes",
        "stop latency 310 ms",
        "evidence activity",
        "confidence 0.85",
        "rules 2.1",
    ]
    assert document["words"][0]["disfluent"] == 1
    assert document["no_sound"] == "why"
    assert document["peaks"][0] == [50] * 25 + [0] * 25


def test_the_vendored_scripts_are_those_that_npm_gives() -> None:
    # sha256sum of dist/wavesurfer.min.js, dist/plugins/timeline.min.js and LICENSE in `npm pack wavesurfer.js@8.0.1`
    vendor = files("duologue_cards").joinpath("vendor")
    assert {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in vendor.iterdir()} == {
        "LICENSE.wavesurfer": "0fc992dc27cc34dde78bfeb024b4cadff6320f0dcbee2f1228efaeb533ca1364",
        "wavesurfer-8.0.1.min.js": "d916e98ceb53ebf0403f907e8f81425ce100b937021fcfa5cac66f728ec2ec1c",
        "wavesurfer-timeline-8.0.1.min.js": "2495d3865751222d34e24d31123f062fac1d11bd06b50b83f80c9ca3d28dbe8b",
    }
    assert "BSD 3-Clause License" in render_page(PAGE)


def test_our_own_scripts_are_short() -> None:
    own = files("duologue_cards").joinpath("report")
    assert sum(own.joinpath(name).read_text().count("\n") for name in ("lanes.js", "player.js")) <= 400
