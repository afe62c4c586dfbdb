"""Writes a release as a dataset of Megatron-Energon that needs no ``energon prepare``.

    train-00000.tar            WebDataset: NAME.json, NAME.codes.npy and, where the release has audio, NAME.flac
    train-00000.tar.idx        the byte at which each sample begins, and the end: uint64
    .nv-meta/dataset.yaml      CrudeWebdataset with ``decoder: null``
    .nv-meta/split.yaml        train, val (our validation) and bridge
    .nv-meta/.info.json        samples of each tar

``decoder: null``: Energon's own decoder gives 0 samples and no error for a sample with a FLAC where PyAV is missing
(megatron-energon[av_decode]), as a sample that fails is skipped up to 100 times. Without it values are bytes, which a cooker decodes;
a cooker must be ``@stateless``. Whoever has PyAV may take the line out.

Source: NVIDIA/Megatron-Energon 7.4.1 flavors/webdataset: structs.py, itar.py, metadata.py, default_decoder_webdataset.py.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Final

import yaml

from duologue_consent import Form
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.said import sample_document
from duologue_pipeline.export.sound import AUDIO, every_form, writes_audio
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.shards.tar import npy_bytes, write_members

__all__ = ["Energon"]

_SPLITS: Final = {"validation": "val"}
_TAR_END: Final = bytes(1024)


class Energon:
    """Writes tars with an index and the metadata that Megatron-Energon asks for."""

    name: Final = "energon"
    description: Final = "Write tars with index and metadata that Megatron-Energon reads without being prepared."
    needs: Final[frozenset[Need]] = frozenset()
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {"audio": AUDIO}
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return every_form(context)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes a tar and its index."""
        account, offsets = Account(), [0]
        first = next(samples, None)
        if first is None:
            return account.result([])
        name = f"{context.part}.tar"
        with (out / name).open("wb") as tar:
            for sample in chain([first], samples):
                about = sample_document(sample, account.take(sample), context)
                members = {
                    "json": json.dumps(about, ensure_ascii=False).encode(),
                    "codes.npy": npy_bytes(sample.codes),
                }
                if sample.flac is not None and writes_audio(context):
                    members["flac"] = sample.flac
                offsets.append(offsets[-1] + write_members(tar, context.name(sample), members))
            tar.write(_TAR_END)
        (out / f"{name}.idx").write_bytes(struct.pack(f"<{len(offsets)}Q", *offsets))
        return account.result([[name, len(offsets) - 1]])

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the metadata."""
        counts: dict[str, int] = {}
        split_parts: dict[str, list[str]] = {}
        for part in parts:
            for name, samples in part.index:
                counts[name] = samples
                split_parts.setdefault(_SPLITS.get(part.split, part.split), []).append(name)
        meta = out / ".nv-meta"
        meta.mkdir()
        (meta / ".info.json").write_text(json.dumps({"shard_counts": counts}, indent=2) + "\n")
        (meta / "split.yaml").write_text(yaml.safe_dump({"split_parts": split_parts, "exclude": []}, sort_keys=False))
        described = {"__module__": "megatron.energon", "__class__": "CrudeWebdataset", "decoder": None}
        (meta / "dataset.yaml").write_text(yaml.safe_dump(described, sort_keys=False))
