"""Manifest lines become recordings, or rejections that name every fault."""

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.read.manifest import digest_of_lines, line_digest, parse_line, read_lines
from duologue_pipeline.read.whole import load_manifest
from duologue_pipeline.records import Recording, Rejected, Source, Track

FULL = {
    "recording_id": "call-0001",
    "language": "en-US",
    "started_at": "2026-03-01T10:00:00Z",
    "setting": "telephone",
    "source": {"corpus": "in-house", "license": "CC-BY-4.0", "route": "vendor"},
    "topic": "car repair",
    "register": "service",
    "tracks": [
        {
            "speaker_id": "spk-17",
            "uri": "audio/call-0001.wav",
            "channel": 0,
            "offset_s": -0.5,
            "jurisdiction": "US-IL",
            "words_uri": "words/call-0001.a.json",
            "role": "agent",
            "role_prompt": "You work for a car repair shop.",
        },
        {"speaker_id": "spk-42", "uri": "s3://bucket/call-0001.wav", "channel": 1},
    ],
}


def parse(document: Any) -> Recording | Rejected:
    return parse_line(json.dumps(document).encode(), manifest_uri="/calls/manifest.jsonl")


def test_a_full_line_becomes_a_recording_with_absolute_uris() -> None:
    assert parse(FULL) == Recording(
        recording_id="call-0001",
        a=Track(
            "spk-17",
            "/calls/audio/call-0001.wav",
            0,
            -0.5,
            "US-IL",
            "/calls/words/call-0001.a.json",
            "agent",
            "You work for a car repair shop.",
        ),
        b=Track("spk-42", "s3://bucket/call-0001.wav", 1, 0.0, None, None),
        language="en-US",
        started_at="2026-03-01T10:00:00Z",
        setting="telephone",
        topic="car repair",
        register="service",
        source=Source("in-house", "CC-BY-4.0", "vendor"),
    )


def test_a_minimal_line_leaves_the_rest_open() -> None:
    tracks = [{"speaker_id": "s1", "uri": "a.wav"}, {"speaker_id": "s2", "uri": "b.wav"}]
    recording = parse({"recording_id": "c", "tracks": tracks})
    assert recording == Recording("c", a=Track("s1", "/calls/a.wav"), b=Track("s2", "/calls/b.wav"))


@pytest.mark.parametrize(
    ("fields", "synthetic"),
    [
        ({}, None),
        ({"synthetic": "unknown"}, None),
        ({"synthetic": True}, True),
        ({"synthetic": False}, False),
        ({"source": {"route": "synthetic"}}, True),
        ({"source": {"route": "Synthetic"}}, None),
    ],
)
def test_a_line_says_whether_its_voices_are_synthetic_or_its_route_does(
    fields: dict[str, Any], synthetic: bool | None
) -> None:
    recording = parse({**FULL, **fields})
    assert isinstance(recording, Recording)
    assert recording.synthetic is synthetic


def test_a_line_that_contradicts_itself_on_synthetic_voices_is_refused() -> None:
    rejected = parse({**FULL, "source": {"route": "synthetic"}, "synthetic": False})
    assert isinstance(rejected, Rejected)
    assert rejected.detail.startswith("synthetic: found false, but source.route is synthetic; correct one of them")


def test_a_byte_order_mark_and_a_carriage_return_do_no_harm() -> None:
    line = b"\xef\xbb\xbf" + json.dumps(FULL).encode() + b"\r"
    assert parse_line(line, manifest_uri="/calls/manifest.jsonl") == parse(FULL)


def test_every_fault_of_a_line_is_named() -> None:
    tracks = [{"speaker_id": "s1", "uri": ""}, {"speaker_id": "s2", "uri": "b.wav", "channel": -1}]
    rejected = parse({"recording_id": "call-2", "tracks": tracks, "lang": "en"})
    assert isinstance(rejected, Rejected)
    assert (rejected.recording_id, rejected.stage, rejected.reason) == ("call-2", "read", "manifest_invalid")
    for field in ("lang: ", "tracks[0].uri: ", "tracks[1].channel: "):
        assert field in rejected.detail
    assert rejected.detail.endswith(". `duologue validate MANIFEST` lists every fault by line")


@pytest.mark.parametrize(
    "line",
    [b'{"recording_id": "call-1"', b"not json", b"\xff\xfe", b"[" * 100_000, b'{"recording_id": NaN}'],
    ids=["cut short", "text", "not UTF-8", "nested too deeply", "NaN"],
)
def test_a_line_that_is_no_json_is_rejected_without_an_id(line: bytes) -> None:
    rejected = parse_line(line, manifest_uri="/calls/manifest.jsonl")
    assert isinstance(rejected, Rejected)
    assert (rejected.recording_id, rejected.reason) == (None, "manifest_invalid")
    excerpt = line[:60].decode(errors="replace")
    assert rejected.detail.startswith(f"the line that begins {excerpt!r} is not valid JSON (")


@pytest.mark.parametrize("document", [[], 7, "call-1", None, {"recording_id": 7}])
def test_json_that_is_no_recording_is_rejected_without_an_id(document: Any) -> None:
    rejected = parse(document)
    assert isinstance(rejected, Rejected)
    assert (rejected.recording_id, rejected.reason) == (None, "manifest_invalid")


def test_an_id_that_is_no_unicode_is_told_in_the_detail_alone() -> None:
    found = parse(FULL | {"recording_id": "call-\ud800"})
    assert isinstance(found, Rejected)
    assert found.recording_id is None  # it stands in rejected.jsonl, which is UTF-8
    assert found.detail.startswith('recording_id: found "call-\\ud800", expected')
    found.detail.encode()


def test_the_place_of_a_line_is_not_in_its_rejection() -> None:
    """So that the order of the lines changes no output."""
    rejected = parse({"recording_id": "call-3"})
    assert isinstance(rejected, Rejected)
    assert "line 1" not in rejected.detail


def test_lines_are_read_without_the_blank_ones(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_bytes(b'\n{"a": 1}\n\n   \n{"b": 2}')
    assert list(read_lines(str(tmp_path / "manifest.jsonl"))) == [b'{"a": 1}', b'{"b": 2}']


def test_lines_are_whole_where_the_read_blocks_meet(tmp_path: Path) -> None:
    lines = [f"{number:07d}".encode() * 30 for number in range(12_000)]  # 2.5 MB, read by 1 MiB
    (tmp_path / "manifest.jsonl").write_bytes(b"\n".join(lines))
    assert list(read_lines(str(tmp_path / "manifest.jsonl"))) == lines


def test_a_missing_manifest_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"/none\.jsonl: no such manifest$"):
        list(read_lines(str(tmp_path / "none.jsonl")))


def test_a_folder_is_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder; name the manifest in it"):
        list(read_lines(str(tmp_path)))


def manifest_sha256(lines: list[bytes]) -> str:
    return digest_of_lines(map(line_digest, lines))


def test_the_hash_of_a_manifest_ignores_the_order_and_the_line_ends() -> None:
    assert manifest_sha256([b"one", b"two"]) == manifest_sha256([b"two\r", b" one"])
    assert manifest_sha256([b"one", b"two"]) != manifest_sha256([b"one"])
    assert manifest_sha256([b"one", b"one"]) != manifest_sha256([b"one"])
    assert manifest_sha256([b"onet", b"wo"]) != manifest_sha256([b"one", b"two"])


# --- a whole manifest -----------------------------------------------------------------------------------------------


def test_a_manifest_gives_its_recordings_and_what_is_refused_of_it(tmp_path: Path) -> None:
    ids = ["call-1", "call-2", "call-1", "call-3"]
    lines = [json.dumps(FULL | {"recording_id": name}) for name in ids] + [
        "no JSON",
        json.dumps({"recording_id": "call-2"}),
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    found = list(load_manifest(str(tmp_path / "manifest.jsonl")))
    assert [each.recording_id for each in found if isinstance(each, Recording)] == ["call-2", "call-3"]
    refused = [(each.recording_id, each.reason) for each in found if isinstance(each, Rejected)]
    assert refused == [
        (None, "manifest_invalid"),
        ("call-2", "manifest_invalid"),
        ("call-1", "manifest_duplicate_id"),
        ("call-1", "manifest_duplicate_id"),
    ]
    (example,) = (each for each in found if isinstance(each, Recording) and each.recording_id == "call-3")
    assert example.a.uri == str(tmp_path / "audio/call-0001.wav")


# --- limits ---------------------------------------------------------------------------------------------------------


def test_a_line_without_an_end_takes_no_more_memory_than_a_line_may(tmp_path: Path) -> None:
    with (tmp_path / "manifest.jsonl").open("wb") as file:
        file.write(b'{"a": 1}\n{"b": "')
        file.truncate(100 << 20)
    first, second = read_lines(str(tmp_path / "manifest.jsonl"))
    assert (first, len(second)) == (b'{"a": 1}', (1 << 20) + 1)
    parsed = parse_line(second, manifest_uri="/calls/manifest.jsonl")
    assert isinstance(parsed, Rejected)
    assert "is longer than 1048576 bytes" in parsed.detail


def test_lines_around_a_long_one_are_read(tmp_path: Path) -> None:
    lines = [b"first", b"x" * (3 << 20), b"", b"last"]
    (tmp_path / "manifest.jsonl").write_bytes(b"\n".join(lines))
    assert [len(line) for line in read_lines(str(tmp_path / "manifest.jsonl"))] == [5, (1 << 20) + 1, 4]


def test_a_manifest_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "manifest.jsonl").open("wb") as file:
        file.truncate(1 << 41)
    with pytest.raises(UsageError, match="and up to 2147483648 are read"):
        list(read_lines(str(tmp_path / "manifest.jsonl")))


@pytest.mark.parametrize("uri", ["http://127.0.0.1:8000/a.wav", "HTTP://localhost/a.wav", "https://[::1]/a.wav"])
def test_a_manifest_from_elsewhere_does_not_name_this_machine(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tracks = [{"speaker_id": "a", "uri": "a.wav"}, {"speaker_id": "b", "uri": "b.wav", "words_uri": uri}]
    line = json.dumps({"recording_id": "r", "tracks": tracks}).encode()
    refused = parse_line(line, manifest_uri="s3://bucket/manifest.jsonl")
    assert isinstance(refused, Rejected)
    assert "names this machine, in a manifest that lies elsewhere" in refused.detail
    assert isinstance(parse_line(line, manifest_uri="/calls/manifest.jsonl"), Recording)
    monkeypatch.setenv("DUOLOGUE_ALLOW_PRIVATE_ADDRESSES", "1")
    assert isinstance(parse_line(line, manifest_uri="s3://bucket/manifest.jsonl"), Recording)


def test_a_fault_that_ends_with_a_full_stop_gets_no_second_one() -> None:
    rejected = parse({**FULL, "lang": "en"})
    assert isinstance(rejected, Rejected)
    assert ".." not in rejected.detail
    assert rejected.detail.endswith("begin with x_). `duologue validate MANIFEST` lists every fault by line")
