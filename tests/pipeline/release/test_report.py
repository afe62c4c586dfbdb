"""The page of a release: built with it, checked to the digit, and without anybody who has withdrawn."""

import io
import json
import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from duologue_pipeline.reader.shard import Sample, read_sample
from duologue_pipeline.release import report
from duologue_pipeline.release.card_check import card_faults
from duologue_pipeline.release.card_files import build_cards, report_stands
from duologue_pipeline.release.same_page import same_page
from duologue_pipeline.release.verify import verify_release
from duologue_pipeline.withdrawal.scan.removed import removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from tests.pipeline.withdrawal.support import commitment, make_calls, release_of, withdraw, words_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_calls(tmp_path_factory.mktemp("made"))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return make_calls(tmp_path)


def player(out: Path) -> list[dict[str, Any]]:
    """What the player gets."""
    (data,) = re.findall(r'<script type="application/json"[^>]*>([^<]*)</script>', (out / "report.html").read_text())
    found: list[dict[str, Any]] = json.loads(data)
    return found


def heard(talk: dict[str, Any]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    samples: np.ndarray[tuple[int, int], np.dtype[np.float64]] = soundfile.read(
        io.BytesIO(b64decode(talk["sound"].partition(",")[2]))
    )[0]
    return samples


def test_the_page_is_listed_and_checked(made: Path) -> None:
    assert "report.html" in [entry["path"] for entry in release_of(made)["files"]]
    assert card_faults(str(made)) == []
    assert report_stands(str(made))


def test_it_shows_conversations_with_sound_words_and_events(made: Path) -> None:
    talks = player(made)
    assert [talk["label"] for talk in talks] == [f"conversation {number}" for number in range(1, 6)]
    assert talks[0]["why"] == "most overlap"
    assert talks[1]["why"] == "nearest to the median"
    for talk in talks:
        assert len(heard(talk)) == pytest.approx(8000 * talk["duration_s"], abs=1)
        assert {event["kind"] for event in talk["events"]} >= {
            "turn",
            "overlap",
            "backchannel",
            "interruption",
            "transfer",
        }
        assert len(talk["words"]) == 20
        assert [event["fto_ms"] for event in talk["events"] if event["kind"] == "transfer"] == [100]


def test_samples_of_an_earlier_version_do_not_say_what_they_own(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def of_an_earlier_version(*arguments: Any) -> Sample:
        sample = read_sample(*arguments)
        for item in (*sample.metadata["words"], *sample.metadata["events"]):
            del item["owned"]
        return sample

    monkeypatch.setattr(report, "read_sample", of_an_earlier_version)
    assert report_stands(str(made))


def test_it_names_no_speaker_no_recording_and_no_path(made: Path) -> None:
    page = (made / "report.html").read_text()
    people = ("anna", "ben", "carl", "dora", "emil", "fred", "gina", "hugo", "ines")
    told = (
        [commitment(name)[:16] for name in people]
        + [f"call-{number}" for number in range(1, 8)]
        + [str(made), "shards/"]
    )
    assert [text for text in told if text in page] == []


def test_any_changed_digit_is_found(out: Path) -> None:
    page = (out / "report.html").read_bytes()
    places = [match.start() for match in re.finditer(rb"[0-9]", page)]
    for place in places[:: len(places) // 12]:
        other = b"%d" % ((page[place] - ord("0") + 1) % 10)
        (out / "report.html").write_bytes(page[:place] + other + page[place + 1 :])
        assert [fault.partition(":")[0] for fault in card_faults(str(out))] == ["report.html"], place
    assert build_cards(str(out), tell=print) == ["report.html"]
    assert (out / "report.html").read_bytes() == page


def test_without_audio_it_has_no_sound_and_says_why(tmp_path: Path) -> None:
    out = make_calls(tmp_path, audio=False)
    for talk in player(out):
        assert talk["sound"] is None
        assert "no audio" in talk["no_sound"]
        assert max(talk["peaks"][0]) == 50
    assert b"data:audio" not in (out / "report.html").read_bytes()
    assert card_faults(str(out)) == []


def test_a_shard_that_cannot_be_read_is_said(out: Path) -> None:
    (out / release_of(out)["shards"][0]["path"]).unlink()
    (fault,) = card_faults(str(out))
    assert fault.startswith("report.html: cannot be made again, as a conversation cannot be read")


# --- withdrawal -----------------------------------------------------------------------------------------------------


def said(out: Path) -> set[str]:
    return {word["word"] for talk in player(out) for word in talk["words"]}


@pytest.mark.parametrize("speaker", ["anna", "ben", "carl", "dora", "fred", "hugo"])
def test_who_withdraws_is_gone_from_the_page(out: Path, speaker: str) -> None:
    before = player(out)
    done = withdraw(out, speaker)
    assert said(out).isdisjoint(word.word for word in words_of(speaker))
    assert list(scan(str(out), removed_by(done.plan, done.rewritten))) == []
    assert card_faults(str(out)) == []
    # Whoever was heard on the page and withdrew is not heard in any of its conversations now.
    gone = [heard(talk) for talk in before if {word["word"] for word in talk["words"]} & {f"{speaker}0"}]
    for old in gone:
        for new in map(heard, player(out)):
            length = min(len(old), len(new))
            assert abs(np.corrcoef(old[:length].T, new[:length].T)[:2, 2:]).max() < 0.3


def test_the_scan_finds_the_page_of_before(out: Path) -> None:
    old = (out / "report.html").read_bytes()
    shown = next(name for name in ("anna", "ben", "carl", "dora", "emil", "fred", "hugo") if f"{name}0" in said(out))
    done = withdraw(out, shown)
    (out / "report.html").write_bytes(old)
    found = [str(finding) for finding in scan(str(out), removed_by(done.plan, done.rewritten))]
    assert "report.html: holds words that were removed" in found
    assert any("report.html: holds sound" in finding for finding in found)


def test_the_scan_finds_sound_of_before_in_a_page_of_now(out: Path) -> None:
    old, shown = (
        (out / "report.html").read_text(),
        {word["word"].rstrip("0123456789") for word in player(out)[0]["words"]},
    )
    done = withdraw(out, min(shown))
    sounds = re.findall(r'data:audio/ogg;base64,[^"]*', old)
    page = (out / "report.html").read_text()
    (out / "report.html").write_text(re.sub(r'data:audio/ogg;base64,[^"]*', sounds[0], page, count=1))
    assert any(
        "report.html: holds sound" in str(each) for each in scan(str(out), removed_by(done.plan, done.rewritten))
    )


def test_the_scan_finds_a_copy_of_the_page_of_before(out: Path) -> None:
    old = (out / "report.html").read_bytes()
    done = withdraw(out, "fred")
    (out / "kept.html").write_bytes(old)
    assert any(finding.path == "kept.html" for finding in scan(str(out), removed_by(done.plan, done.rewritten)))


def test_a_lost_shard_stops_no_withdrawal(out: Path) -> None:
    shown = {word["word"].rstrip("0123456789") for word in player(out)[0]["words"]}
    lost = next(
        entry["path"]
        for entry in release_of(out)["shards"]
        if any(word.encode() + b"0" in (out / entry["path"]).read_bytes() for word in shown)
    )
    other = "hugo" if "validation" not in lost else "anna"
    (out / lost).unlink()
    done = withdraw(out, other)
    assert not any(finding.path == "report.html" for finding in scan(str(out), removed_by(done.plan, done.rewritten)))


# --- the same page --------------------------------------------------------------------------------------------------


def test_a_page_encoded_by_another_encoder_is_the_same_page(made: Path) -> None:
    page = (made / "report.html").read_bytes()
    louder = page.replace(b"most overlap", b"most 0verlap")
    assert same_page(page, page)
    assert not same_page(louder, page)
    again = _with_sound(page, 0.9)
    assert again != page
    assert same_page(again, page)
    assert not same_page(_with_sound(page, None), page)


def _with_sound(page: bytes, level: float | None) -> bytes:
    """The page with its first sound encoded anew at a quality, or with other sound of the same length."""
    address = re.search(rb'data:audio/ogg;base64,([^"]*)', page)
    assert address
    samples, rate_hz = soundfile.read(io.BytesIO(b64decode(address[1])))
    if level is None:
        samples = np.random.default_rng(99).normal(0, 0.1, samples.shape)
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", rate_hz, 2, format="OGG", subtype="OPUS", compression_level=level or 0.9
    ) as file:
        file.write(samples)
    return page[: address.start(1)] + b64encode(buffer.getvalue()) + page[address.end(1) :]


# --- the audio of the page ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("how", "kind"), [("mp3", "data:audio/mpeg;"), ("none", None)])
def test_the_run_says_how_the_page_has_its_sound_and_a_withdrawal_keeps_it(
    tmp_path: Path, how: str, kind: str | None
) -> None:
    out = make_calls(tmp_path, report_audio=how)
    assert release_of(out)["report_audio"] == how
    for speaker in (None, "anna", "carl"):
        if speaker is not None:
            done = withdraw(out, speaker)
            assert list(scan(str(out), removed_by(done.plan, done.rewritten))) == []
        talks = player(out)
        assert {(talk["sound"] or "").partition("base64")[0] for talk in talks} == {kind or ""}
        if kind is None:
            assert "left out of this page" in talks[0]["no_sound"]
        assert release_of(out)["report_audio"] == how
        assert card_faults(str(out)) == []
        assert verify_release(str(out)).faults == ()
