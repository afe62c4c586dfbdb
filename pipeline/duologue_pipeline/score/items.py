"""Finds the items of a folder: what the user said, and what a model answered, as two files that begin together.

An item is a folder with ``input.wav`` (the user alone) and ``output.wav`` (the model alone), as Full-Duplex-Bench lays them out,
at any depth: ``PACK/smooth_turn_taking/7/``. Beside them may lie

- ``input.json``, ``output.json``: their words, in any format of docs/transcripts.md;
- ``pause.json``, ``turn_taking.json``, ``interrupt.json``, ``metadata.json``: when what the item is about happens
  (DanielLin94144/Full-Duplex-Bench@d7336bd ``v1_v1.5/dataset/README.md``);
- ``item.json``: its ``language`` and ``conversation``, as ``duologue export full-duplex-bench`` writes them.

``icc_gt_distribution.json`` in a folder above says where people give backchannels.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import soundfile

from duologue_pipeline.errors import UsageError
from duologue_pipeline.records import Span

__all__ = ["INPUT", "ITEM_FILE", "OUTPUT", "TASKS", "TRUTH", "Item", "find_items", "refusal"]

INPUT: Final = "input.wav"
OUTPUT: Final = "output.wav"
ITEM_FILE: Final = "item.json"
TRUTH: Final = "icc_gt_distribution.json"

TASKS: Final[Mapping[str, str]] = {
    "pause.json": "pause_handling",
    "turn_taking.json": "smooth_turn_taking",
    "interrupt.json": "user_interruption",
    "metadata.json": "overlap",
}
"""The file that says when it happens -> the task of an item."""

_SHOWN: Final = 5
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Item:
    """Names the files of an item, and holds what is known of it before it is heard.

    Attributes:
        name: its folder, below the folder that was given.
        task: a value of :data:`TASKS`, ``backchannel``, or ``conversation`` where it is none of them; of an overlap with its
            class, the name of the folder above: ``overlap_user_backchannel``.
        input, output: the audio.
        input_words, output_words: their transcripts; None where there is none.
        language: BCP 47; None where unknown.
        group: the conversation that it was cut from; itself where that is unknown.
        moments: when what it is about happens.
        truth: the distribution of people's backchannels over it; None where it is not known.
    """

    name: str
    task: str
    input: Path
    output: Path
    input_words: Path | None
    output_words: Path | None
    language: str | None
    group: str
    moments: tuple[Span, ...] = ()
    truth: tuple[float, ...] | None = None


def find_items(root: Path, *, output: str = OUTPUT, language: str | None = None, most_apart_ms: int) -> list[Item]:
    """Finds the items of a folder, and refuses it where one of them cannot be scored.

    Args:
        root: the folder.
        output: what the model's file is called in each item.
        language: of the items that do not say it.
        most_apart_ms: so much may the lengths of an item's files differ.

    Returns:
        The items, in the order of their names; numbers by their value.

    Raises:
        UsageError: there is no item, or some are incomplete, unequal or broken: each is named with its fault.
    """
    if not root.is_dir():
        raise UsageError(f"{root}: no such folder; give one with items, each a folder with {INPUT} and {output}")
    if language is not None and not _LANGUAGE.fullmatch(language):
        raise UsageError(f"--language {language}: expected a BCP 47 tag, e.g. en-US")
    items: list[Item] = []
    faults: list[str] = []
    folders = {path.parent for name in (INPUT, output) for path in root.rglob(name)}
    for folder in sorted(folders, key=lambda folder: _order(folder.relative_to(root))):
        try:
            items.append(_item(root, folder, output, language, most_apart_ms))
        except UsageError as error:
            faults.append(str(error))
    if folders and not any((folder / output).exists() for folder in folders):
        raise UsageError(
            f"{root}: no item has {output}, what the model says; let the model answer each {INPUT} and write its answer beside it, "
            "or name the file that it wrote with --output NAME"
        )
    if faults:
        raise refusal(root, faults)
    if not items:
        raise UsageError(f"{root}: holds no item; each is a folder with {INPUT} (the user) and {output} (the model)")
    return items


def refusal(root: Path, faults: Sequence[str]) -> UsageError:
    """Makes the error that names what cannot be scored, the first few in full."""
    more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    count = "1 item" if len(faults) == 1 else f"{len(faults)} items"
    return UsageError(f"{root}: {count} cannot be scored, so nothing is: {'; '.join(faults[:_SHOWN])}{more}")


def _order(path: Path) -> list[tuple[int, str]]:
    return [(int(part), part) if part.isdecimal() else (-1, part) for part in path.parts]


def _item(root: Path, folder: Path, output: str, language: str | None, most_apart_ms: int) -> Item:
    name = folder.relative_to(root).as_posix()
    lengths_ms = [_length_ms(folder / file, f"{name}/{file}") for file in (INPUT, output)]
    if abs(lengths_ms[0] - lengths_ms[1]) > most_apart_ms:
        raise UsageError(
            f"{name}: {INPUT} lasts {lengths_ms[0] / 1000:.2f} s and {output} {lengths_ms[1] / 1000:.2f} s; the two begin and "
            f"end together, so pad or cut {output}"
        )
    told = _told(folder, name)
    task, moments = _task(folder, name)
    return Item(
        name=name,
        task=task,
        input=folder / INPUT,
        output=folder / output,
        input_words=_there(folder / INPUT.replace(".wav", ".json")),
        output_words=_there((folder / output).with_suffix(".json")),
        language=told.get("language") or language,
        group=told.get("conversation") or name,
        moments=moments,
        truth=_truth(root, folder, name) if task == "backchannel" else None,
    )


def _length_ms(path: Path, name: str) -> float:
    if not path.is_file():
        raise UsageError(f"{name}: is not there; an item has {INPUT} and the file of the model")
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise UsageError(f"{name}: is no audio that can be read ({error}); write it again") from None
    if info.channels != 1:
        raise UsageError(f"{name}: has {info.channels} channels, expected one; write one speaker into each file")
    return info.frames * 1000 / info.samplerate


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _read(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{name}: is no JSON that can be read ({error}); write it again") from None


def _told(folder: Path, name: str) -> dict[str, str]:
    path = folder / ITEM_FILE
    document = _read(path, f"{name}/{ITEM_FILE}") if path.is_file() else {}
    known = {key: document.get(key) for key in ("language", "conversation")} if isinstance(document, dict) else None
    if known is None or not all(value is None or isinstance(value, str) for value in known.values()):
        raise UsageError(f'{name}/{ITEM_FILE}: expected {{"language": text, "conversation": text}}')
    if known["language"] and not _LANGUAGE.fullmatch(known["language"]):
        raise UsageError(f"{name}/{ITEM_FILE}: language {known['language'][:30]!r}: expected a BCP 47 tag, e.g. en-US")
    return {key: value for key, value in known.items() if value}


def _task(folder: Path, name: str) -> tuple[str, tuple[Span, ...]]:
    """Tells the task of an item by the file beside it, and reads when it happens."""
    for file, task in TASKS.items():
        if (folder / file).is_file():
            document = _read(folder / file, f"{name}/{file}")
            stamps = [document.get("timestamps")] if isinstance(document, dict) else document
            if isinstance(document, list):
                stamps = [each.get("timestamp") if isinstance(each, dict) else None for each in document]
            moments = [_moment(stamp, f"{name}/{file}") for stamp in stamps or [None]]
            return (f"overlap_{folder.parent.name}" if task == "overlap" else task), tuple(moments)
    return ("backchannel" if folder.parent.name.endswith("backchannel") else "conversation"), ()


def _moment(stamp: Any, name: str) -> Span:
    match stamp:
        case [int() | float() as start_s, int() | float() as end_s] if 0 <= start_s <= end_s < 1e6:
            return Span(round(start_s * 1000), round(end_s * 1000))
    raise UsageError(f"{name}: expected times [start, end] in seconds, found {str(stamp)[:60]!r}")


def _truth(root: Path, folder: Path, name: str) -> tuple[float, ...] | None:
    """Finds the item's list in the nearest ``icc_gt_distribution.json`` above it, down to the folder that was given."""
    for above in folder.parents:
        path = above / TRUTH
        if path.is_file():
            document = _read(path, str(path))
            found = document.get(folder.name) if isinstance(document, dict) else None
            if not isinstance(found, list) or not found or not all(_is_share(each) for each in found):
                raise UsageError(f"{path}: has no list of shares for the item {folder.name!r} of {name}; add it")
            return tuple(float(each) for each in found)
        if above == root:
            return None
    return None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
