"""What people have in place of a manifest: each is told in one sentence, with how it becomes one."""

import gzip
import json
from pathlib import Path

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.read.manifest import read_lines
from duologue_pipeline.read.shape import manifest_mistake
from duologue_pipeline.read.whole import load_manifest

CALL = {
    "recording_id": "call-1",
    "tracks": [{"speaker_id": "anna", "uri": "a.wav"}, {"speaker_id": "ben", "uri": "b.wav"}],
}
LINE = json.dumps(CALL)

MISTAKES = {
    "nothing": (b"", "is empty; write one recording a line: `duologue manifest from-folder DIR` makes one"),
    "one document over lines": (
        json.dumps(CALL, indent=2).encode(),
        "is one JSON document over many lines; write each recording on one line (jq -c '.' FILE > manifest.jsonl)",
    ),
    "documents over lines": (
        f"{json.dumps(CALL, indent=2)}\n{json.dumps(CALL, indent=2)}\n".encode(),
        "(jq -c '.' FILE",
    ),
    "a list": (
        json.dumps([CALL, CALL]).encode(),
        "is one JSON list; write each of its recordings on a line of its own",
    ),
    "a list over lines": (f"[\n{LINE},\n{LINE}\n]\n".encode(), "(jq -c '.[]' FILE > manifest.jsonl)"),
    "a list in a field": (json.dumps({"calls": [CALL]}).encode(), "is one JSON document; "),
    "a list in a field over lines": (json.dumps({"calls": [CALL]}, indent=1).encode(), "(jq -c '.calls[]' FILE"),
    "a table": (
        b"id,agent,caller\n1,a.wav,b.wav\n",
        "is a table (CSV) and no JSON Lines; `duologue manifest from-table",
    ),
    "a table of Excel": (b"\xef\xbb\xbfid;agent;caller\r\n1;a.wav;b.wav\r\n", "is a table (CSV)"),
    "UTF-16": (LINE.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
    "UTF-16 without a mark": (LINE.encode("utf-16-le"), "is UTF-16 text; save it as UTF-8"),
    "gzip": (gzip.compress(LINE.encode()), "is packed with gzip; unpack it first (gunzip)"),
    "a spreadsheet": (b"PK\x03\x04....", "is a ZIP file, as spreadsheets are"),
    "Parquet": (b"PAR1....", "is a Parquet table; `duologue manifest from-table"),
    "a ledger": (b"SQLite format 3\0", "give the ledger with --ledger"),
    "audio": (b"RIFF....WAVE", "is audio; name the manifest"),
}

MANIFESTS = {
    "lines": f"{LINE}\n{LINE}\n".encode(),
    "one line": LINE.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + LINE.encode(),
    "blanks first": f"\n \n{LINE}\n".encode(),
    "a broken line first": f'{{"recording_id": "call-0", "tracks": [\n{LINE}\n'.encode(),
    "a list first": f"[]\n{LINE}\n".encode(),
    "no JSON first": f"no JSON, at all\n{LINE}\n".encode(),
    "a list in a field first": f"{json.dumps({'calls': [CALL]})}\n{LINE}\n".encode(),
    "more behind the first object": f"{LINE} x\n{LINE}\n".encode(),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_no_manifest_is_told_with_how_it_becomes_one(name: str, tmp_path: Path) -> None:
    content, told = MISTAKES[name]
    path = tmp_path / "calls.txt"
    path.write_bytes(content)
    for read in (lambda: list(read_lines(str(path))), lambda: load_manifest(str(path))):
        with pytest.raises(UsageError) as raised:
            read()
        assert str(raised.value).startswith(f"{path}: ")
        assert told in str(raised.value)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_with_a_broken_line_stays_one(name: str, tmp_path: Path) -> None:
    assert manifest_mistake(MANIFESTS[name], whole=True) is None
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(MANIFESTS[name])
    assert load_manifest(str(path)).recordings >= 1


def test_the_lines_that_the_advice_gives_are_a_manifest() -> None:
    document = json.loads(MISTAKES["a list in a field over lines"][0])
    lines = "\n".join(json.dumps(each) for each in document["calls"])  # jq -c '.calls[]'
    assert manifest_mistake(lines.encode(), whole=True) is None


def test_a_folder_is_told_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r": is a folder; name the manifest in it, or make one with"):
        load_manifest(str(tmp_path))


def test_a_name_in_another_case_is_told(tmp_path: Path) -> None:
    (tmp_path / "Calls").mkdir()
    (tmp_path / "Calls" / "Manifest.jsonl").write_text(LINE)
    with pytest.raises(UsageError) as raised:
        load_manifest(str(tmp_path / "calls" / "manifest.jsonl"))
    assert str(raised.value) == (
        f"{tmp_path}/calls/manifest.jsonl: no such manifest; {tmp_path}/Calls/Manifest.jsonl is there: write the name as it "
        "stands, with its capital letters and accents"
    )
