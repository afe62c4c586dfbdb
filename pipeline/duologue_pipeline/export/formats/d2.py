"""Writes a release as d2.samples.v1: what Dialogue-to-Duplex fine-tunes Qwen3-Omni on.

    train.json                             {"format": "d2.samples.v1", "family": "qwen", "latency_ms": 80, "samples": [...]}, for each split
    train-00000/NAME-a-00.safetensors      env_mel, self_mel, text_target, codec_target, frame_mask, assistant_mask

A file is at most 90 s of a sample of which the model speaks one side, padded to whole intervals by frames that ``frame_mask`` leaves out.
:mod:`duologue_pipeline.export.d2_qwen` says what stands in which frame. The interval's own delay is the model's: it is not
applied here.

Source: penguinfish1688/D2-dialogue-to-duplex@a753594 d2/SAMPLES.md, d2/training.py ``read_samples``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.d2_qwen import (
    CODEBOOKS,
    INTERRUPT,
    LATENCIES_MS,
    RESPONSE,
    SELF_DELAY_SAMPLES,
    Ids,
    Response,
    causal_log_mel,
    chunk_frames,
    join_responses,
    lay_out,
)
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.sound import track_of
from duologue_pipeline.export.told import told_sides, why_untold
from duologue_pipeline.export.units import spoken_units
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import Speaker
from duologue_pipeline.views.mel import SAMPLE_RATE_HZ
from duologue_pipeline.views.sides import FRAME_MS, frame_count, other_speaker, side_codes
from duologue_pipeline.views.spans import activity_spans, event_spans
from duologue_pipeline.views.text_row import stands_apart
from duologue_pipeline.views.tokenizers import encode
from duologue_pipeline.views.words import SpokenWord

__all__ = ["D2"]

_SAMPLES_PER_FRAME: Final = SAMPLE_RATE_HZ * FRAME_MS // 1000


class D2:
    """Writes tensors and a manifest d2.samples.v1 for Qwen3-Omni."""

    name: Final = "d2"
    description: Final = "Write d2.samples.v1 (safetensors and a manifest) for Dialogue-to-Duplex on Qwen3-Omni."
    needs: Final[frozenset[Need]] = frozenset({"audio", "words", "codes"})
    tokenizer: Final = "json"
    options: Final[Mapping[str, Option]] = {
        "latency_ms": Option(80, "Give the interaction interval: 80, 160, 320, 640 or 1040 ms."),
        "pad_id": Option(0, "Give model.pad_id, the id of <|duplex_pad|> that D2 appends to the tokenizer."),
        "codec_bos_id": Option(0, "Give codec_bos_id of the checkpoint's talker_config."),
        "codec_eos_id": Option(0, "Give codec_eos_token_id of the checkpoint's talker_config."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold: mel features are a voice as audio is."""
        return tuple(Form)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the tensors of each sample and each side that the model speaks."""
        latency_ms, ids = _settings(context)
        forbidden = _forbidden(context.tokenizer, ids)
        account, index = Account(), []
        for sample in samples:
            sides = told_sides(sample, context)
            if not sides:
                account.leave(sample, why_untold(sample, context))
                continue
            _check_codec(sample)
            words = account.take(sample)
            account.leave_words("user_side", sum(len(own) for side, own in words.items() if side not in sides))
            (out / context.part).mkdir(exist_ok=True)
            for model in sides:
                said, commands = _said(sample, words, model, context.tokenizer, forbidden)
                account.leave_words("special_token", commands)
                for chunk, (tensors, lost) in enumerate(_chunks(sample, said, model, latency_ms, ids)):
                    path = f"{context.part}/{context.name(sample)}-{model}-{chunk:02d}.safetensors"
                    _save(out / path, tensors)
                    index.append({"tensors": path, "task": "conversation"})
                    account.leave_words("too_long", lost)
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes the manifest of each split that has samples: the trainer refuses an empty one."""
        for split in context.splits:
            rows = [row for part in parts if part.split == split for row in part.index]
            if rows:
                manifest = {
                    "format": "d2.samples.v1",
                    "family": "qwen",
                    "latency_ms": context.options["latency_ms"],
                    "samples": rows,
                }
                (out / f"{split}.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def _settings(context: Context) -> tuple[int, Ids]:
    latency_ms = context.options["latency_ms"]
    if latency_ms not in LATENCIES_MS:
        raise UsageError(f"latency_ms {latency_ms}: expected one of {', '.join(map(str, LATENCIES_MS))}")
    for name in ("pad_id", "codec_bos_id", "codec_eos_id"):
        if context.options[name] <= 0:
            raise UsageError(
                f"d2: needs --set {name}=ID: each checkpoint has an id of its own, and no file says it; read it from the loaded "
                "model of Qwen3-Omni (docs/exports.md#d2)"
            )
    ids = Ids(context.options["pad_id"], context.options["codec_bos_id"], context.options["codec_eos_id"])
    if ids.codec_bos == ids.codec_eos or min(ids.codec_bos, ids.codec_eos) < 2048:
        raise UsageError(
            f"codec_bos_id {ids.codec_bos} and codec_eos_id {ids.codec_eos}: expected two ids above the codes, from 2048 on"
        )
    return latency_ms, ids


def _check_codec(sample: Sample) -> None:
    name, held = sample.metadata["codec"]["name"], sample.codes.shape[1]
    if name != "mimi" or held < CODEBOOKS:
        raise UsageError(
            f"{sample.key}: the codes are {held} codebooks of {name}, and D2 takes {CODEBOOKS} of Mimi; make the release with "
            f"a Mimi of {CODEBOOKS} codebooks"
        )


def _forbidden(tokenizer: Any, ids: Ids) -> frozenset[int]:
    """Gives the ids that no word may have: of the controls, and of what the tokenizer takes for commands of the model."""
    if added := encode(tokenizer, ""):
        raise UsageError(f"--tokenizer: puts {added} around every text; take out the post_processor of tokenizer.json")
    held: Mapping[int, Any] = getattr(tokenizer, "get_added_tokens_decoder", dict)()
    return frozenset({ids.pad, RESPONSE, INTERRUPT, *(each for each, token in held.items() if token.special)})


def _chunks(
    sample: Sample, said: Sequence["_Said"], model: Speaker, latency_ms: int, ids: Ids
) -> Iterator[tuple[dict[str, npt.NDArray[Any]], int]]:
    """Cuts a sample into pieces of whole intervals and lays each out; the last is filled up. Gives the words lost as well."""
    frames, most, step = frame_count(sample), chunk_frames(latency_ms), latency_ms // FRAME_MS
    codes = side_codes(sample, model)
    onsets = sorted(max(0, start) // FRAME_MS for start, _ in event_spans(sample, "turn", other_speaker(model)))
    heard, _ = track_of(sample, other_speaker(model), SAMPLE_RATE_HZ)
    spoken, _ = track_of(sample, model, SAMPLE_RATE_HZ)
    spoken = np.concatenate([np.zeros(SELF_DELAY_SAMPLES), spoken])
    for lo in range(0, frames, most):
        count = min(most, frames - lo)
        whole = -(-count // step) * step
        held = np.zeros((CODEBOOKS, whole), np.uint16)
        held[:, :count] = codes[:CODEBOOKS, lo : lo + count]
        inside, mute = _inside(said, lo, lo + count)
        laid, lost = lay_out(join_responses(inside), [at - lo for at in onsets if lo <= at < lo + count], held, ids)
        yield (
            {
                "env_mel": causal_log_mel(_piece(heard, lo, whole)),
                "self_mel": causal_log_mel(_piece(spoken, lo, whole)),
                "frame_mask": np.arange(whole) < count,
                **laid,
            },
            lost + mute,
        )


class _Said(NamedTuple):
    """Holds a unit of the model's side: its frames, and of each word the frame and the ids."""

    first: int
    end: int
    words: Sequence[tuple[int, Sequence[int]]]


def _said(
    sample: Sample,
    words: Mapping[Speaker, Sequence[SpokenWord]],
    model: Speaker,
    tokenizer: Any,
    forbidden: frozenset[int],
) -> tuple[list[_Said], int]:
    """Lists what the model's side says; and counts the words that are commands of the model, which are not in it."""
    end_ms = FRAME_MS * frame_count(sample)
    activity = activity_spans(sample, model)
    found, commands, before = [], 0, " " if stands_apart(sample) else ""
    for unit in spoken_units(sample, words, end_ms=end_ms):
        if unit.speaker == model:
            touching = [span for span in activity if span[0] < unit.end_ms and span[1] > unit.start_ms]
            start = min([unit.start_ms, *(start for start, _ in touching)])
            end = min(max([unit.end_ms, *(end for _, end in touching)]), end_ms)
            spoken: list[tuple[int, list[int]]] = []
            for word in unit.words:
                ids = encode(tokenizer, before + word.text if spoken else word.text)
                if forbidden.isdisjoint(ids):
                    spoken.append((word.start_ms // FRAME_MS, ids))
                else:
                    commands += 1
            found.append(_Said(start // FRAME_MS, -(-end // FRAME_MS), spoken))
    return found, commands


def _inside(said: Sequence[_Said], lo: int, hi: int) -> tuple[list[Response], int]:
    """Takes what begins in [lo, hi), in frames from lo; and counts the words of which the tokenizer gives nothing."""
    responses, mute = [], 0
    for first, end, words in said:
        own = [ids for at, ids in words if lo <= at < hi]
        mute += sum(not ids for ids in own)
        if any(own):
            responses.append(Response(max(first, lo) - lo, min(end, hi) - lo, [ids for ids in own if ids]))
    return sorted(responses, key=lambda each: each.first), mute


def _piece(signal: npt.NDArray[np.float64], frame: int, frames: int) -> npt.NDArray[np.float64]:
    piece = signal[frame * _SAMPLES_PER_FRAME : (frame + frames) * _SAMPLES_PER_FRAME]
    return np.pad(piece, (0, frames * _SAMPLES_PER_FRAME - len(piece)))


def _save(path: Path, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
    try:
        from safetensors.numpy import save
    except ImportError:
        raise UsageError("d2: safetensors is not installed; install duologue with the extra [pipeline]") from None
    path.write_bytes(save({name: np.ascontiguousarray(tensors[name][np.newaxis]) for name in sorted(tensors)}))
