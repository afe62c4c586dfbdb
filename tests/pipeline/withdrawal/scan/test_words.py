"""Words that were removed are known in every form of JSON, and are no evidence where somebody who stays said the same."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from duologue_pipeline.files.text import canonical_json
from duologue_pipeline.records import TaggedWord
from duologue_pipeline.withdrawal.scan.names import Names
from duologue_pipeline.withdrawal.scan.removed import Removed, removed_by
from duologue_pipeline.withdrawal.scan.search import scan
from duologue_pipeline.withdrawal.scan.words import Words, canonical_words, listed_words
from duologue_pipeline.withdrawal.traces import word_traces
from tests.pipeline.withdrawal.support import Call, make_calls, release_of, samples_of, withdraw, words_of

CALLS = (
    Call("call-1", "train-00000", "anna", "ben", 4.0),
    Call("call-2", "train-00000", "dora", "emil", 4.0),
    Call("call-3", "train-00001", "fred", "gina", 4.0),
)


def entry(word: str, start_s: float, speaker: str = "a") -> dict[str, Any]:
    return {
        "word": word,
        "start_s": start_s,
        "end_s": start_s + 0.1,
        "speaker": speaker,
        "tags": "",
        "confidence": 0.9,
    }


SAID = [entry("so", 0.1), entry("hm", 0.2, "b"), entry("I", 0.5), entry("naïve", 1.0), entry("went", 1.25)]
TRACES = word_traces([b"so", b"I", "naïve".encode(), b"went"], [0.1, 0.5, 1.0, 1.25])


def speaking_alike(folder: Path, *alike: str) -> Path:
    """A release in which these speakers say the same at the same times in their first two seconds, and then their own."""

    def words(speaker: str) -> tuple[TaggedWord, ...]:
        later = (replace(word, start_ms=word.start_ms + 2000, end_ms=word.end_ms + 2000) for word in words_of(speaker))
        return (*words_of("prompt" if speaker in alike else speaker), *later)

    with patch("tests.pipeline.withdrawal.support.words_of", words):
        return make_calls(folder, CALLS)


# --- traces ---------------------------------------------------------------------------------------------------------


def test_a_trace_is_of_four_words_and_the_times_between_them() -> None:
    assert len(TRACES) == 1
    assert word_traces([b"so", b"I", "naïve".encode()], [0.1, 0.5, 1.0]) == []
    assert word_traces([b"so", b"I", "naïve".encode(), b"went"], [30.6, 31.0, 31.5, 31.75]) == TRACES
    assert word_traces([b"so", b"I", "naïve".encode(), b"went"], [0.1, 0.5, 1.0, 1.251]) != TRACES
    assert word_traces([b"I", b"so", "naïve".encode(), b"went"], [0.1, 0.5, 1.0, 1.25]) != TRACES


def test_every_window_has_its_trace() -> None:
    texts, starts_s = [f"{number}".encode() for number in range(7)], [float(number) for number in range(7)]
    windows = [word_traces(texts[at : at + 4], starts_s[at : at + 4])[0] for at in range(4)]
    assert word_traces(texts, starts_s) == windows
    assert len(set(windows)) == 4


# --- forms of JSON --------------------------------------------------------------------------------------------------


def test_canonical_words_are_those_of_the_parsed_document() -> None:
    document = {"words": SAID}
    said = {
        "a": Words([b"so", b"I", "naïve".encode(), b"went"], [0.1, 0.5, 1.0, 1.25]),
        "b": Words([b"hm"], [0.2]),
    }
    assert canonical_words(canonical_json(document)) == said
    assert list(listed_words(document)) == [said]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"words": SAID}, ensure_ascii=False),
        json.dumps({"words": SAID}, ensure_ascii=False, separators=(",", ":")),
        json.dumps([{"word": word["word"], "start_s": word["start_s"]} for word in SAID], ensure_ascii=False),
        '{"a":"word"}',
    ],
    ids=["spaces", "other order", "fewer fields", "the word word"],
)
def test_what_is_not_written_canonically_must_be_parsed(text: str) -> None:
    assert canonical_words(text.encode()) is None


def test_times_that_are_none_are_no_words() -> None:
    odd = [{"word": "x", "start_s": start_s} for start_s in (float("nan"), float("inf"), 10**400, "0.5", None)]
    assert list(listed_words(odd)) == []


@pytest.mark.parametrize("form", ["canonical", "indented", "escaped", "other order"])
def test_words_are_found_in_every_form(tmp_path: Path, form: str) -> None:
    out = speaking_alike(tmp_path)
    words = json.loads(dict(samples_of(out))["call-1-00000"]["json"])["words"]
    done = withdraw(out, "anna")
    mine = [word for word in words if word["speaker"] == "a"]
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in mine[0]["word"])
    text = {
        "canonical": canonical_json({"x": mine}).decode(),
        "indented": json.dumps(mine, indent=2),
        "escaped": canonical_json(mine[:4]).decode().replace(mine[0]["word"], escaped),
        "other order": json.dumps([dict(reversed(word.items())) for word in mine]),
    }[form]
    (out / "x.json").write_text(text)
    assert [str(finding) for finding in scan(str(out), removed_by(done.plan, done.rewritten))] == [
        "x.json: holds words that were removed"
    ]


def test_names_that_are_no_tokens_are_looked_for_as_values() -> None:
    names = Names({"42", "call 1/ä", "call-1"}, live=())
    assert names.may_be_values(b'{"recording_id":"42"}')
    assert names.may_be_values('{"key":["call 1/ä"]}'.encode())
    assert not names.may_be_values(b'{"recording_id":"call-1","n":42}')
    assert list(names.in_bytes(b'{"recording_id":"call-1","n":42}')) == ["call-1"]


# --- whose words they are -------------------------------------------------------------------------------------------


def findings(out: Path, *gone: str) -> list[str]:
    done = withdraw(out, *gone)
    return [str(finding) for finding in scan(str(out), removed_by(done.plan, done.rewritten))]


def test_who_stays_keeps_their_words_in_a_shard_that_was_not_touched(tmp_path: Path) -> None:
    assert findings(speaking_alike(tmp_path, "anna", "fred"), "anna") == []


def test_who_stays_keeps_their_words_in_a_kept_sample_of_a_touched_shard(tmp_path: Path) -> None:
    assert findings(speaking_alike(tmp_path, "anna", "dora"), "anna") == []


def test_who_stays_keeps_their_words_where_the_other_one_was_silenced(tmp_path: Path) -> None:
    assert findings(speaking_alike(tmp_path, "anna", "ben"), "anna") == []


@pytest.mark.parametrize(
    ("key", "found"), [("call-1-00000", []), ("call-1-00001", ["x.json: holds words that were removed"])]
)
def test_elsewhere_only_words_that_nobody_else_said_are_evidence(tmp_path: Path, key: str, found: list[str]) -> None:
    out = speaking_alike(tmp_path, "anna", "fred")
    words = json.loads(dict(samples_of(out))[key]["json"])["words"]
    (out / "x.json").write_text(json.dumps([word for word in words if word["speaker"] == "a"]))
    assert findings(out, "anna") == found


def test_words_in_a_shard_that_is_not_as_released_are_nobodys(tmp_path: Path) -> None:
    out = speaking_alike(tmp_path, "anna", "fred")
    done = withdraw(out, "anna")
    removed = removed_by(done.plan, done.rewritten)
    shard = release_of(out)["shards"][1]["path"]
    with (out / shard).open("ab") as file:
        file.write(bytes(512))
    found = [str(finding) for finding in scan(str(out), removed)]
    assert f"{shard}: call-3-00000.json: holds words that were removed" in found
    # The page that shows such a shard cannot be made again, so that nothing is proved of it either.
    assert {finding.partition(":")[0] for finding in found} == {shard, "report.html"}


def test_words_of_a_speaker_who_is_not_in_the_index_are_nobodys(tmp_path: Path) -> None:
    out = speaking_alike(tmp_path, "anna", "fred")
    done = withdraw(out, "anna")
    removed = removed_by(done.plan, done.rewritten)
    fred = json.loads(dict(samples_of(out))["call-3-00000"]["json"])["speakers"]["a"]["commitment"]
    also_gone = Removed(removed.names | {fred}, removed.traces)
    shard = release_of(out)["shards"][1]["path"]
    assert f"{shard}: call-3-00000.json: holds words that were removed" in [
        str(finding) for finding in scan(str(out), also_gone)
    ]
