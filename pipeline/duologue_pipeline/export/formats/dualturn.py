"""Writes a release as frame labels for DualTurn: six signals of each speaker at 12.5 Hz, and the audio they are of.

    train.jsonl                  {"key", "conversation", "labels", "audio", "frames", "frame_rate_hz"} a line, for each split
    train-00000/NAME.npz         vad, eot, hold, bot, bc: int8 [2, T]; fvad: int8 [2, 4, T], -1 where it is not known
    train-00000/NAME.flac        a on channel 0, b on channel 1, where the release has audio

No code and no data format of DualTurn is public (arXiv 2603.08216); this layout is ours. How the signals are drawn is said at
:func:`duologue_pipeline.views.dualturn_labels`; ``numpy.load`` reads them.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.manifests import write_lines
from duologue_pipeline.export.sound import writes_audio
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.views import dualturn_labels
from duologue_pipeline.views.sides import FRAME_RATE_HZ, frame_count

__all__ = ["DualTurn"]


class DualTurn:
    """Writes the frame labels of DualTurn, and audio where there is some."""

    name: Final = "dualturn"
    description: Final = (
        "Write frame labels for DualTurn (vad, eot, hold, bot, bc, fvad at 12.5 Hz) as npz, with the audio."
    )
    needs: Final[frozenset[Need]] = frozenset({"codes"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "audio": Option(True, "Write the audio beside the labels, where the release has it.")
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.ANNOTATIONS) if writes_audio(context) else (Form.ANNOTATIONS,)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the labels of each sample."""
        account, index = Account(), []
        for sample in samples:
            account.leave_words("no_text", sum(map(len, account.take(sample).values())))
            (out / context.part).mkdir(exist_ok=True)
            name = context.name(sample)
            labels = f"{context.part}/{name}.npz"
            (out / labels).write_bytes(_npz(dualturn_labels(sample)))
            row: dict[str, Any] = {
                "key": name,
                "conversation": context.conversation(sample),
                "labels": labels,
                "audio": None,
                "frames": frame_count(sample),
                "frame_rate_hz": FRAME_RATE_HZ,
            }
            if sample.flac is not None and writes_audio(context):
                row["audio"] = f"{context.part}/{name}.flac"
                (out / row["audio"]).write_bytes(sample.flac)
            index.append(row)
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the list of each split."""
        write_lines(out, "jsonl", parts, context)


def _npz(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Packs arrays as ``numpy.savez_compressed`` does, without its clock."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in sorted(arrays.items()):
            held = io.BytesIO()
            np.lib.format.write_array(held, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), held.getvalue(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
