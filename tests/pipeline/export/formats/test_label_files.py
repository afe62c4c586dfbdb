"""Label files: praatio, pympi and pyannote read them with their own code, and no word is missing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from praatio import textgrid
from pyannote.database.util import load_lst, load_rttm, load_uem
from pympi.Elan import Eaf

from tests.pipeline.export.formats.samples import conversation, export, own


def read(reader: Any, path: Path) -> Any:
    """What pyannote's reader, which has no types, gives."""
    return reader(path)


def plain(label: str) -> str:
    """The word of a label, without its tags."""
    return label.partition(" [")[0]


def test_praatio_reads_every_word_on_the_clock_of_the_sample(tmp_path: Path) -> None:
    samples = conversation()
    export("textgrid", samples, tmp_path)
    said = []
    for sample in samples:
        grid = textgrid.openTextgrid(
            str(tmp_path / "train-00000" / f"{sample.key}.TextGrid"), includeEmptyIntervals=False
        )
        assert grid.maxTimestamp == pytest.approx(sample.metadata["end_s"] - sample.metadata["start_s"])
        for name in grid.tierNames:
            if name.split()[1] == "words":
                said += [plain(entry.label) for entry in grid.getTier(name).entries]
    assert sorted(said) == own(samples)
    rows = [json.loads(line) for line in (tmp_path / "train.jsonl").read_text().splitlines()]
    assert [row["start_s"] for row in rows] == [sample.metadata["start_s"] for sample in samples]


def test_pympi_reads_every_word_and_the_audio(tmp_path: Path) -> None:
    samples = conversation()
    export("eaf", samples, tmp_path)
    said = []
    for sample in samples:
        document = Eaf(str(tmp_path / "train-00000" / f"{sample.key}.eaf"))
        (linked,) = document.get_linked_files()
        pcm, rate_hz = soundfile.read(tmp_path / "train-00000" / linked["RELATIVE_MEDIA_URL"], dtype="float32")
        assert sample.audio is not None
        assert rate_hz == sample.audio[1]
        assert np.array_equal(pcm.T, sample.audio[0])
        for name in document.get_tier_names():
            if name.split()[1] == "words":
                said += [plain(text) for _, _, text in document.get_annotation_data_for_tier(name)]
    assert sorted(said) == own(samples)


def test_pyannote_reads_who_is_heard_when(tmp_path: Path) -> None:
    samples = conversation()
    export("rttm", samples, tmp_path)
    heard, looked_at = read(load_rttm, tmp_path / "train.rttm"), read(load_uem, tmp_path / "train.uem")
    assert read(load_lst, tmp_path / "train.lst") == [sample.key for sample in samples]
    for sample in samples:
        about = sample.metadata
        spans = {
            (row["start_s"], row["end_s"], about["speakers"][row["speaker"]]["commitment"]) for row in about["activity"]
        }
        if spans:
            found = {
                (round(s.start, 3), round(s.end, 3), label)
                for s, _, label in heard[sample.key].itertracks(yield_label=True)
            }
            assert found == spans
        assert looked_at[sample.key].extent().end == pytest.approx(about["end_s"] - about["start_s"])


def read_ctm(path: Path) -> list[tuple[str, str, float, float, str, str]]:
    """Parses CTM as SCTK describes it: blanks part the fields, ;; begins a comment."""
    rows = []
    for line in path.read_text().splitlines():
        if not line.startswith(";;"):
            name, channel, start, duration, word, *rest = line.split()
            rows.append((name, channel, float(start), float(duration), word, " ".join(rest)))
    return rows


def test_ctm_holds_every_word_sorted(tmp_path: Path) -> None:
    samples = conversation()
    export("ctm", samples, tmp_path)
    rows = read_ctm(tmp_path / "train.ctm")
    assert sorted(row[4] for row in rows) == own(samples)
    assert [row[:3] for row in rows] == sorted(row[:3] for row in rows)
    first = samples[0].metadata["words"][0]
    assert rows[0][1:5] == ("A", first["start_s"], round(first["end_s"] - first["start_s"], 3), first["word"])


def test_words_that_would_break_a_line_of_ctm_are_written_so_that_they_do_not(tmp_path: Path) -> None:
    sample = conversation()[0]
    sample.metadata["words"] = [
        {"speaker": "a", "word": word, "start_s": 1.0 + i, "end_s": 1.5 + i, "confidence": 0.5, "tags": ""}
        for i, word in enumerate([";;comment", "two words", "<ALT_BEGIN>", "\\b"])
    ]
    export("ctm", [sample], tmp_path)
    rows = read_ctm(tmp_path / "train.ctm")
    assert [row[4:] for row in rows] == [
        ("\\;;comment", "0.500"),
        ("two_words", "0.500"),
        ("\\<ALT_BEGIN>", "0.500"),
        ("\\\\b", "0.500"),
    ]


@pytest.mark.parametrize("name", ["textgrid", "eaf"])
def test_a_word_of_which_nothing_can_be_shown_is_left_out_and_counted(name: str, tmp_path: Path) -> None:
    sample = conversation()[0]
    sample.metadata["words"][0]["word"] = "\u200b"
    before = export(name, [conversation()[0]], tmp_path / "one")
    after = export(name, [sample], tmp_path / "two")
    assert (after.words, after.words_left_out["empty"]) == (before.words - 1, 1)
