"""Writes a release as windows for Voice Activity Projection: stereo audio and a CSV with the voice activity of each window.

    train.csv                  audio_path,start,end,vad_list,session,dataset: a row a window, for each split
    train-00000/NAME.flac      a on channel 0, b on channel 1

A window is 20 s; its ``vad_list`` speaks of 22 s, as VAP projects two seconds ahead (``horizon``), both from the window's start. VAP reads
what it is not told as silence and puts windows of one length in a batch: so a window ends two seconds before the sample
does, samples of less than 22 s are left out, and the last window of a sample reaches back over the one before.

Source: ErikEkstedt/VAP@203614b vap/data/README.md, vap/data/datamodule.py ``VAPDataset``, vap/utils/utils.py ``vad_list_to_onehot``. The classes
of a window are those of :func:`duologue_pipeline.views.vap_labels`. Its events (shift, hold) are not ours.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import ROOT, rooted, rows_of
from duologue_pipeline.export.sound import flac_of, sound_of
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS
from duologue_pipeline.views.spans import activity_spans

__all__ = ["Vap"]

_COLUMNS: Final = ("audio_path", "start", "end", "vad_list", "session", "dataset")
_HORIZON_MS: Final = 2000
_LONGEST_S: Final = 600


class Vap:
    """Writes stereo audio and the CSV of windows that VAP trains on."""

    name: Final = "vap"
    description: Final = (
        "Write stereo audio and a CSV of windows with their voice activity for VAP (voice activity projection)."
    )
    needs: Final[frozenset[Need]] = frozenset({"audio"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "root": ROOT,
        "window_s": Option(20, "Give the length of a window in whole seconds, as VAP rounds it."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the audio and the rows of each sample."""
        window_s = context.options["window_s"]
        if not 1 <= window_s <= _LONGEST_S:
            raise UsageError(f"window_s {window_s}: expected 1 to {_LONGEST_S} seconds")
        account, index = Account(), []
        for sample in samples:
            starts = _starts(sound_of(sample).duration_ms, window_s * 1000)
            if not starts:
                account.leave(sample, "too_short")
                continue
            account.leave_words("no_text", sum(map(len, account.take(sample).values())))
            path = f"{context.part}/{context.name(sample)}.flac"
            (out / context.part).mkdir(exist_ok=True)
            (out / path).write_bytes(flac_of(sample))
            spans = [activity_spans(sample, side) for side in SPEAKERS]
            for start_ms in starts:
                end_ms = start_ms + window_s * 1000
                vad = json.dumps([_clipped(own, start_ms, end_ms + _HORIZON_MS) for own in spans])
                session = context.conversation(sample)
                index.append(
                    [rooted(path, context), start_ms / 1000, end_ms / 1000, vad, session, context.release["name"]]
                )
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the CSV of each split."""
        for split in context.splits:
            with (out / f"{split}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(_COLUMNS)
                writer.writerows(rows_of(parts, split))


def _starts(sample_ms: int, window_ms: int) -> list[int]:
    """Lists where windows begin: one after the other, and the last one as late as it can."""
    last = sample_ms - window_ms - _HORIZON_MS
    if last < 0:
        return []
    starts = list(range(0, last + 1, window_ms))
    return starts if starts[-1] == last else [*starts, last]


def _clipped(spans: list[tuple[int, int]], lo: int, hi: int) -> list[list[float]]:
    cut = [(max(start, lo) - lo, min(end, hi) - lo) for start, end in spans]
    return [[start / 1000, end / 1000] for start, end in sorted(cut) if start < end]
