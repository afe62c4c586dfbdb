"""Label files, read back by the libraries of the programs that open them."""

import csv
import io
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from praatio import textgrid
from praatio.data_classes.point_tier import PointTier
from pympi.Elan import Eaf

from duologue_pipeline.events.annotation import Annotation, annotate_conversation
from duologue_pipeline.labels.formats import LABEL_FORMATS, clean_label
from duologue_pipeline.records import Word

A_SAYS = [("so", 0, 300), ("i", 320, 400), ("i", 450, 520), ('"think"', 540, 1900), ("yes", 6000, 6900)]
B_SAYS = [("uh-huh", 1200, 1500), ("well", 2200, 2500), ("uh", 2520, 2900), ("no\tnever\n", 2950, 5000)]


@pytest.fixture(scope="module")
def annotation() -> Annotation:
    """a speaks, b answers, a takes over; one backchannel, one repetition, one filler."""
    a, b = ([Word(word, start, end) for word, start, end in said] for said in (A_SAYS, B_SAYS))
    return annotate_conversation(activity=None, words_a=a, words_b=b, duration_ms=8000, language="en")


def written(annotation: Annotation, format: str, folder: Path) -> Path:
    path = folder / f"labels.{format}"
    path.write_text(LABEL_FORMATS[format](annotation, name="my call"), encoding="utf-8")
    return path


def events(annotation: Annotation, kind: str, speaker: str) -> list[tuple[float, float]]:
    return [(e.start_ms / 1000, e.end_ms / 1000) for e in annotation.events if (e.kind, e.speaker) == (kind, speaker)]


def test_the_conversation_has_what_the_tests_look_at(annotation: Annotation) -> None:
    assert events(annotation, "turn", "b") == [(2.2, 5.0)]
    assert events(annotation, "backchannel", "b") == [(1.2, 1.5)]
    assert events(annotation, "repetition", "a") == [(0.32, 0.52)]


def test_praat_reads_the_textgrid(annotation: Annotation, tmp_path: Path) -> None:
    grid = textgrid.openTextgrid(str(written(annotation, "textgrid", tmp_path)), includeEmptyIntervals=False)
    assert (grid.minTimestamp, grid.maxTimestamp) == (0.0, 8.0)
    for kind in ("turn", "ipu", "backchannel", "repetition", "gap"):
        for speaker in "ab":
            expected = events(annotation, kind, speaker)
            found = grid.getTier(f"{speaker} {kind}").entries if expected else ()
            assert [(x.start, x.end) for x in found] == expected
    words = grid.getTier("a words").entries
    assert [x.label for x in words] == ["so", "i [reparandum]", "i [repair]", '"think"', "yes"]
    assert [(x.start, x.end) for x in grid.getTier("b activity").entries] == [
        (1.2, 1.5), (2.2, 2.5), (2.52, 2.9), (2.95, 5.0)
    ]  # fmt: skip


def test_a_transfer_without_gap_is_a_point(tmp_path: Path) -> None:
    words_a, words_b = [Word("one", 0, 1000)], [Word("two", 1000, 3000)]
    at_once = annotate_conversation(activity=None, words_a=words_a, words_b=words_b, duration_ms=None, language="en")
    grid = textgrid.openTextgrid(str(written(at_once, "textgrid", tmp_path)), includeEmptyIntervals=False)
    tier = grid.getTier("b floor_transfer (points)")
    assert isinstance(tier, PointTier)
    assert [(x.time, x.label) for x in tier.entries] == [(1.0, "floor_transfer")]


def test_elan_reads_the_eaf(annotation: Annotation, tmp_path: Path) -> None:
    eaf = Eaf(str(written(annotation, "elan", tmp_path)))
    assert [(s, e) for s, e, *_ in sorted(eaf.get_annotation_data_for_tier("b turn"))] == [(2200, 5000)]
    words = sorted(eaf.get_annotation_data_for_tier("b words"))
    assert [text for _, _, text, *_ in words][-1] == "no never"
    names = {name for name in eaf.get_tier_names() if name.endswith("backchannel")}
    assert names == {"b backchannel"}


def test_pyannote_reads_the_rttm(annotation: Annotation, tmp_path: Path) -> None:
    load_rttm: Any = import_module("pyannote.database.util").load_rttm  # has no types
    (name, found), = load_rttm(str(written(annotation, "rttm", tmp_path))).items()  # fmt: skip
    assert name == "my_call"
    rows = [(round(s.start, 3), round(s.end, 3), who) for s, _, who in found.itertracks(yield_label=True)]
    assert rows[:3] == [(0.0, 0.3, "a"), (0.32, 0.4, "a"), (0.45, 0.52, "a")]
    assert sorted(round(s.duration, 3) for s in found.label_timeline("b")) == [0.3, 0.3, 0.38, 2.05]


def test_audacity_labels_are_three_columns_in_order_of_onset(annotation: Annotation, tmp_path: Path) -> None:
    lines = written(annotation, "audacity", tmp_path).read_text().splitlines()
    rows = [(float(start), float(end), text) for start, end, text in (line.split("\t") for line in lines)]
    assert rows == sorted(rows)
    assert (1.2, 1.5, "b backchannel (continuer)") in rows
    assert len(rows) == len(annotation.events)


def test_csv_has_a_row_an_event(annotation: Annotation, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(written(annotation, "csv", tmp_path).read_text())))
    assert len(rows) == len(annotation.events)
    (repetition,) = (row for row in rows if row["kind"] == "repetition")
    assert (repetition["speaker"], repetition["start_s"], repetition["reparandum_end_s"]) == ("a", "0.32", "0.4")
    assert (repetition["repair_start_s"], repetition["repair_end_s"], repetition["fto_s"]) == ("0.45", "0.52", "")
    (transfer,) = (row for row in rows if row["kind"] == "floor_transfer" and row["speaker"] == "b")
    assert transfer["fto_s"] == "0.3"


@pytest.mark.parametrize("format", list(LABEL_FORMATS))
def test_the_same_annotation_gives_the_same_bytes(annotation: Annotation, format: str) -> None:
    assert LABEL_FORMATS[format](annotation, name="x") == LABEL_FORMATS[format](annotation, name="x")


@pytest.mark.parametrize("format", list(LABEL_FORMATS))
def test_a_conversation_in_which_nobody_speaks_is_written(format: str, tmp_path: Path) -> None:
    silence = annotate_conversation(activity=None, words_a=[], words_b=[], duration_ms=5000, language="en")
    path = written(silence, format, tmp_path)
    if format == "textgrid":
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
        assert (list(grid.tierNames), grid.maxTimestamp) == (["a activity", "b activity"], 5.0)
    elif format == "elan":
        assert set(Eaf(str(path)).get_tier_names()) == {"a activity", "b activity"}
    else:
        assert len(path.read_text().splitlines()) == (1 if format == "csv" else 0)


def test_words_that_overlap_one_another_go_to_a_second_tier(tmp_path: Path) -> None:
    words = [Word("one", 0, 1000), Word("two", 500, 1500), Word("three", 1500, 1600)]
    both = annotate_conversation(activity=None, words_a=words, words_b=[], duration_ms=2000, language="en")
    grid = textgrid.openTextgrid(str(written(both, "textgrid", tmp_path)), includeEmptyIntervals=False)
    assert [x.label for x in grid.getTier("a words").entries] == ["one", "three"]
    assert [x.label for x in grid.getTier("a words 2").entries] == ["two"]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", None),  # Persian, with a non-joiner
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467", None),  # one emoji of three
        ("new\nline\ttab", "new line tab"),
        ("nul\x00\ufffe\u2028", "nul"),
        ("\u200d\u200b", ""),
    ],
)
def test_a_label_keeps_what_joins_letters_and_no_control(word: str, label: str | None) -> None:
    assert clean_label(word) == (word if label is None else label)
