"""Writes annotations as files that people open: Praat TextGrid, ELAN, Audacity labels, RTTM, CSV.

All are made from :class:`~duologue_pipeline.events.annotation.Annotation` and are text in UTF-8. TextGrid and ELAN want tiers
within which nothing overlaps: there is one for the activity, one for the words and one for each kind of event of each
speaker; where events of one kind overlap one another, the later one goes to a tier ``... 2``.

Formats: Boersma & Weenink, Praat manual, "TextGrid file formats"; ELAN Annotation Format 3.0 (Max Planck Institute for
Psycholinguistics); NIST RT-09 evaluation plan, appendix A (RTTM); Audacity manual, "Importing and Exporting Labels".
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from duologue_pipeline.events.annotation import Annotation
from duologue_pipeline.events.fields import EVENT_COLUMNS, event_columns
from duologue_pipeline.records import SPEAKERS

__all__ = ["LABEL_FORMATS", "clean_label", "write_audacity", "write_csv", "write_elan", "write_rttm", "write_textgrid"]


_JOINERS: Final = "\u200c\u200d\u200e\u200f"
"""Zero-width non-joiner and joiner, and the marks of direction."""


@dataclass(frozen=True)
class _Label:
    start_ms: int
    end_ms: int
    text: str


def write_csv(annotation: Annotation, *, name: str) -> str:
    """Writes the events as CSV, one a row, with a header; what an event does not have is empty. RFC 4180 with ``\\n``."""
    out = io.StringIO()
    writer = csv.DictWriter(out, EVENT_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for event in annotation.events:
        row = event_columns(event)
        writer.writerow({key: str(value).lower() if isinstance(value, bool) else value for key, value in row.items()})
    return out.getvalue()


def write_rttm(annotation: Annotation, *, name: str) -> str:
    """Writes the activity as SPEAKER records, in order of onset; ``name`` with blanks as underscores is the file id."""
    file_id = "_".join(name.split()) or "conversation"
    spans = sorted((span, s) for s in SPEAKERS for span in getattr(annotation.activity, s))
    return "".join(
        f"SPEAKER {file_id} 1 {span.start_ms / 1000:.3f} {span.duration_ms / 1000:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
        for span, speaker in spans
    )


def write_audacity(annotation: Annotation, *, name: str) -> str:
    """Writes the events as one label track, each ``speaker kind (subtype)``, in order of onset; activity is left out."""
    labels = sorted((e.start_ms, e.end_ms, f"{e.speaker} {e.kind}{_detail(e.subtype)}") for e in annotation.events)
    return "".join(f"{start / 1000:.6f}\t{end / 1000:.6f}\t{text}\n" for start, end, text in labels)


def write_textgrid(annotation: Annotation, *, name: str) -> str:
    """Writes a TextGrid in the long text format; what has no length (a transfer without gap) goes onto point tiers."""
    end_ms = max(
        [annotation.statistics.duration_ms, 1] + [label.end_ms for _, labels in _tiers(annotation) for label in labels]
    )
    tiers = [tier for named, labels in _tiers(annotation) for tier in _textgrid_tiers(named, labels, end_ms)]
    head = (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {end_ms / 1000}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n"
    )
    return head + "".join(f"    item [{i}]:\n{tier}" for i, tier in enumerate(tiers, start=1))


def write_elan(annotation: Annotation, *, name: str, media: str = "") -> str:
    """Writes an EAF document.

    Args:
        annotation: what was found.
        name: of the conversation.
        media: a WAV file beside the document; ELAN asks for the recording when it is opened where there is none.
    """
    document = ElementTree.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "duologue",
            "DATE": "1970-01-01T00:00:00+00:00",  # the same annotation gives the same bytes
            "FORMAT": "3.0",
            "VERSION": "3.0",
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
        },
    )
    header = ElementTree.SubElement(document, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media:
        place = {"MEDIA_URL": f"./{media}", "MIME_TYPE": "audio/x-wav", "RELATIVE_MEDIA_URL": f"./{media}"}
        ElementTree.SubElement(header, "MEDIA_DESCRIPTOR", place)
    order = ElementTree.SubElement(document, "TIME_ORDER")
    slots = annotations = 0
    for tier_name, labels in _tiers(annotation):
        tier = ElementTree.SubElement(
            document,
            "TIER",
            {"LINGUISTIC_TYPE_REF": "default-lt", "PARTICIPANT": tier_name[0], "TIER_ID": tier_name},
        )
        for label in labels:
            annotations += 1
            references = {}
            # an annotation of ELAN lasts at least a millisecond
            for end, ms in ("1", label.start_ms), ("2", max(label.end_ms, label.start_ms + 1)):
                slots += 1
                ElementTree.SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": f"ts{slots}", "TIME_VALUE": str(ms)})
                references[f"TIME_SLOT_REF{end}"] = f"ts{slots}"
            holder = ElementTree.SubElement(tier, "ANNOTATION")
            one = ElementTree.SubElement(
                holder, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": f"a{annotations}", **references}
            )
            ElementTree.SubElement(one, "ANNOTATION_VALUE").text = label.text
    ElementTree.SubElement(
        document,
        "LINGUISTIC_TYPE",
        {"GRAPHIC_REFERENCES": "false", "LINGUISTIC_TYPE_ID": "default-lt", "TIME_ALIGNABLE": "true"},
    )
    ElementTree.indent(document)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(document, encoding="unicode") + "\n"


LABEL_FORMATS: Final[dict[str, Callable[..., str]]] = {
    "csv": write_csv,
    "textgrid": write_textgrid,
    "rttm": write_rttm,
    "audacity": write_audacity,
    "elan": write_elan,
}
"""Name of a format -> its writer, called with the annotation and ``name=`` of the conversation."""


def _tiers(annotation: Annotation) -> list[tuple[str, list[_Label]]]:
    """Sorts all labels into tiers in which nothing overlaps, ``a`` before ``b``: activity, words, then kinds by name."""
    tiers: list[tuple[str, list[_Label]]] = []
    for speaker in SPEAKERS:
        spans = getattr(annotation.activity, speaker)
        tiers += _disjoint(f"{speaker} activity", [_Label(span.start_ms, span.end_ms, "speech") for span in spans])
        words = getattr(annotation, f"words_{speaker}") or ()
        if words:
            said = [_Label(max(0, w.start_ms), max(0, w.end_ms), _tagged(w.word, w.tags)) for w in words]
            tiers += _disjoint(f"{speaker} words", said)
        for kind in sorted({event.kind for event in annotation.events}):
            own = [
                _Label(e.start_ms, e.end_ms, e.subtype or kind)
                for e in annotation.events
                if (e.kind, e.speaker) == (kind, speaker)
            ]
            if own:
                tiers += _disjoint(f"{speaker} {kind}", own)
    return tiers


def _disjoint(name: str, labels: Sequence[_Label]) -> list[tuple[str, list[_Label]]]:
    rows: list[list[_Label]] = [[]]
    for label in sorted(labels, key=lambda x: (x.start_ms, x.end_ms)):
        row = next(
            (row for row in rows if not row or (row[-1].end_ms <= label.start_ms and _begins_later(row, label))), None
        )
        if row is None:
            rows.append(row := [])
        row.append(label)
    return [(name if i == 1 else f"{name} {i}", row) for i, row in enumerate(rows, start=1)]


def _begins_later(row: Sequence[_Label], label: _Label) -> bool:
    return label.start_ms > row[-1].start_ms


def _textgrid_tiers(name: str, labels: Sequence[_Label], end_ms: int) -> list[str]:
    intervals = [label for label in labels if label.end_ms > label.start_ms]
    points = [label for label in labels if label.end_ms == label.start_ms]
    tiers = []
    if intervals or not points:
        filled: list[_Label] = []
        at_ms = 0
        for label in intervals:
            if label.start_ms > at_ms:
                filled.append(_Label(at_ms, label.start_ms, ""))
            filled.append(label)
            at_ms = label.end_ms
        if at_ms < end_ms:
            filled.append(_Label(at_ms, end_ms, ""))
        rows = [
            f"        intervals [{i}]:\n            xmin = {x.start_ms / 1000}\n            xmax = {x.end_ms / 1000}\n"
            f'            text = "{_quoted(x.text)}"\n'
            for i, x in enumerate(filled, start=1)
        ]
        tiers.append(_tier_head("IntervalTier", name, end_ms, f"intervals: size = {len(filled)}") + "".join(rows))
    if points:
        rows = [
            f'        points [{i}]:\n            number = {x.start_ms / 1000}\n            mark = "{_quoted(x.text)}"\n'
            for i, x in enumerate(points, start=1)
        ]
        tiers.append(
            _tier_head("TextTier", f"{name} (points)", end_ms, f"points: size = {len(points)}") + "".join(rows)
        )
    return tiers


def _tier_head(kind: str, name: str, end_ms: int, size: str) -> str:
    return (
        f'        class = "{kind}"\n        name = "{_quoted(name)}"\n        xmin = 0\n        xmax = {end_ms / 1000}\n'
        f"        {size}\n"
    )


def clean_label(text: str) -> str:
    """Takes out what breaks lines or is no character of XML; nothing may be left.

    What joins or parts letters and shows itself in them alone (as in Persian words and in emoji) stays within a word.
    """
    kept = "".join(c for c in " ".join(text.split()) if c.isprintable() or c in _JOINERS)
    return kept if any(map(str.isprintable, kept)) else ""


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def _tagged(word: str, tags: Sequence[str]) -> str:
    return clean_label(word) if not tags else f"{clean_label(word)} [{', '.join(tags)}]"


def _detail(subtype: str | None) -> str:
    return "" if subtype is None else f" ({subtype})"
