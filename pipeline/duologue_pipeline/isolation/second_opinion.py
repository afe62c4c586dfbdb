"""What pyannote.audio hears, beside what is measured: a second voice in one track, one voice in both tracks.

The models listen to sampled pieces only, a stated number of them (``rules/second_opinion.json``), so the cost does not
grow with the recording. Embeddings are compared in memory and given to nobody: what comes out is one cosine.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.ingest.audio import conversation_blocks
from duologue_pipeline.models.checkpoints import Checkpoint
from duologue_pipeline.records import FaultReport, IsolationReport, Recording, Span
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.second_opinion import SecondOpinionRules

__all__ = [
    "Listener",
    "SecondOpinion",
    "exchange_windows",
    "judge_second_voice",
    "judge_voices",
    "solo_pieces",
    "spread_windows",
    "with_second_opinion",
]

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SecondOpinion:
    """Which checkpoints are asked; at least one of them."""

    segmentation: Checkpoint | None
    embedding: Checkpoint | None

    @classmethod
    def of(cls, segmentation: str | None, embedding: str | None, *, allow_network: bool) -> Self | None:
        """Takes what the command line says, and holds each checkpoint against its hash.

        Returns:
            None where no checkpoint is named.

        Raises:
            UsageError: as :meth:`Checkpoint.parse` and :meth:`Checkpoint.read`.
        """
        named = {"segmentation": segmentation, "embedding": embedding}
        checkpoints = {
            kind: Checkpoint.parse(f"--pyannote-{kind}", value, allow_network=allow_network)
            for kind, value in named.items()
            if value is not None
        }
        for checkpoint in checkpoints.values():
            checkpoint.read()
        return cls(checkpoints.get("segmentation"), checkpoints.get("embedding")) if checkpoints else None

    def document(self) -> dict[str, str]:
        """What a release says about it: the hashes of the checkpoints and the version of the rules."""
        document = {"rules": load_rules(SecondOpinionRules).version}
        if self.segmentation:
            document["segmentation_sha256"] = self.segmentation.sha256
        if self.embedding:
            document["embedding_sha256"] = self.embedding.sha256
        return document

    def open(self) -> "Listener":
        """Loads the models.

        Raises:
            UsageError: as :meth:`Checkpoint.load`, or a model is not of its kind.
        """
        return Listener(self)


class Listener:
    """The models, loaded."""

    def __init__(self, opinion: SecondOpinion) -> None:
        self._rules = load_rules(SecondOpinionRules)
        self._segmentation = opinion.segmentation and _Segmentation(opinion.segmentation)
        self._embedding = opinion.embedding and _Embedding(opinion.embedding)

    def ask(self, recording: Recording, report: IsolationReport, *, duration_ms: int) -> dict[str, FaultReport]:
        """Listens to a recording.

        Args:
            recording: whose tracks are decoded.
            report: its isolation, whose spans say where the speakers take turns and where one is alone.
            duration_ms: of the conversation.

        Returns:
            ``other_voice_a`` and ``other_voice_b`` where there is a segmentation model, ``same_voice`` where there is
            an embedding model.

        Raises:
            RejectError: as :func:`duologue_pipeline.ingest.audio.conversation_blocks`.
        """
        found: dict[str, FaultReport] = {}
        if self._segmentation:
            found |= self._second_voices(self._segmentation, recording, report, duration_ms)
        if self._embedding:
            pieces = [solo_pieces(spans.spans, self._rules) for spans in (report.b_from_a, report.a_from_b)]
            cuts = _cut(recording, [*pieces[0], *pieces[1]], rate_hz=self._embedding.rate_hz)
            a = self._embedding.embed([cut[0] for cut in cuts[: len(pieces[0])]])
            b = self._embedding.embed([cut[1] for cut in cuts[len(pieces[0]) :]])
            found["same_voice"] = judge_voices(a, b, rules=self._rules)
        return found

    def _second_voices(
        self, model: "_Segmentation", recording: Recording, report: IsolationReport, duration_ms: int
    ) -> dict[str, FaultReport]:
        exchanges = exchange_windows(report, window_ms=model.window_ms, duration_ms=duration_ms, rules=self._rules)
        spread = spread_windows(self._rules.spread_windows, window_ms=model.window_ms, duration_ms=duration_ms)
        windows = np.stack(_cut(recording, [*exchanges, *spread], rate_hz=model.rate_hz, whole_ms=model.window_ms))
        found = {}
        for track, side in enumerate("ab"):
            activity = model.activity(windows[:, track])
            around, evenly = activity[: len(exchanges)], activity[len(exchanges) :]
            found[f"other_voice_{side}"] = judge_second_voice(around, evenly, rules=self._rules)
        return found


def with_second_opinion(report: IsolationReport, opinion: Mapping[str, FaultReport]) -> IsolationReport:
    """Puts the second opinion beside the faults; where it has found something, ``pass`` becomes ``warn``."""
    verdict = "warn" if report.verdict == "pass" and any(fault.found for fault in opinion.values()) else report.verdict
    return replace(report, verdict=verdict, faults={**report.faults, **opinion})


# --- what is listened to --------------------------------------------------------------------------------------------


def exchange_windows(
    report: IsolationReport, *, window_ms: int, duration_ms: int, rules: SecondOpinionRules
) -> list[Span]:
    """Windows around the moments at which one speaker follows the other: both voices are near, one is in the track."""
    turns = sorted(
        [(span, "a") for span in report.b_from_a.spans] + [(span, "b") for span in report.a_from_b.spans],
        key=lambda turn: (turn[0].start_ms, turn[1]),
    )
    centres = [
        (left.end_ms + right.start_ms) // 2
        for (left, before), (right, after) in pairwise(turns)
        if before != after and right.start_ms - left.end_ms <= 1000 * rules.exchange_gap_s
    ]
    return [
        _window(centre - window_ms // 2, window_ms, duration_ms) for centre in _some(centres, rules.exchange_windows)
    ]


def spread_windows(number: int, *, window_ms: int, duration_ms: int) -> list[Span]:
    """Windows at even distances, as many as fit beside each other and at most ``number``."""
    number = max(1, min(number, duration_ms // window_ms))
    return [
        _window(int((place + 0.5) * duration_ms / number) - window_ms // 2, window_ms, duration_ms)
        for place in range(number)
    ]


def solo_pieces(spans: Iterable[Span], rules: SecondOpinionRules) -> list[Span]:
    """The longest stretches in which one speaker is alone, each cut to what a model needs, in order of time."""
    longest = sorted(spans, key=lambda span: (-span.duration_ms, span.start_ms))[: rules.pieces]
    return sorted(
        Span(span.start_ms, min(span.end_ms, span.start_ms + round(1000 * rules.max_piece_s)))
        for span in longest
        if span.duration_ms >= 1000 * rules.min_piece_s
    )


def _window(start_ms: int, window_ms: int, duration_ms: int) -> Span:
    start_ms = max(0, min(start_ms, duration_ms - window_ms))
    return Span(start_ms, start_ms + window_ms)


def _some(items: Sequence[int], number: int) -> list[int]:
    """At most so many of them, evenly chosen."""
    if len(items) <= number:
        return list(items)
    return [items[place * len(items) // number] for place in range(number)]


def _cut(recording: Recording, spans: Sequence[Span], *, rate_hz: int, whole_ms: int | None = None) -> list[F32]:
    """Decodes a recording once and gives float32 [2, T] of each span, with zeros behind the recording's end."""
    starts = [span.start_ms * rate_hz // 1000 for span in spans]
    lengths = [(whole_ms or span.duration_ms) * rate_hz // 1000 for span in spans]
    cuts = [np.zeros((2, length), np.float32) for length in lengths]
    position = 0
    for pair in conversation_blocks(recording, rate_hz=rate_hz):
        block = np.stack(pair)
        end = position + block.shape[1]
        for start, cut in zip(starts, cuts, strict=True):
            first, last = max(start, position), min(start + cut.shape[1], end)
            if first < last:
                cut[:, first - start : last - start] = block[:, first - position : last - position]
        position = end
    return cuts


# --- what is made of it ---------------------------------------------------------------------------------------------


def judge_second_voice(exchanges: F32, spread: F32, *, rules: SecondOpinionRules) -> FaultReport:
    """Judges whether there is more than one voice in a track.

    Args:
        exchanges: float [n, frames, voices] in [0, 1], the activity of each voice in windows around the exchanges.
        spread: the same of windows at even distances.
        rules: the thresholds.

    Returns:
        ``value`` is the share of windows in which a second voice is heard for longer than ``second_voice_share`` of
        the window, of those windows that speak the more clearly.
    """
    shares = []
    for activity, found_share in ((exchanges, rules.exchange_found_share), (spread, rules.spread_found_share)):
        if len(activity) >= rules.min_windows:
            heard = np.mean(activity > rules.active_above, axis=1)  # [n, voices]: share of the window
            second = np.sort(heard, axis=1)[:, -2]
            share = float(np.mean(second >= rules.second_voice_share))
            shares.append((share / found_share, share, len(activity)))
    if not shares:
        return FaultReport(found=None)
    ratio, share, windows = max(shares)
    detail = f"more than one voice in {share:.0%} of {windows} windows" if ratio >= 1 else ""
    return FaultReport(ratio >= 1, share, _confidence(ratio), detail)


def judge_voices(a: F32, b: F32, *, rules: SecondOpinionRules) -> FaultReport:
    """Judges whether the speakers of two tracks have one voice, by how alike the pieces of each track are.

    Args:
        a, b: float [n, dimension], an embedding of each piece.
        rules: the thresholds.

    Returns:
        ``value`` is the median cosine between pieces of different tracks.
    """
    if min(len(a), len(b)) < rules.min_pieces:
        return FaultReport(found=None)
    a, b = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in (a, b))
    between = float(np.median(a @ b.T))
    within = min(float(np.median((side @ side.T)[np.triu_indices(len(side), 1)])) for side in (a, b))
    if within < rules.min_within_cosine:
        return FaultReport(found=None, value=between)
    ratio = max(between, 0.0) / (rules.same_voice_ratio * within)
    detail = f"the tracks are alike by {between:.2f}, pieces of one track by {within:.2f}" if ratio >= 1 else ""
    return FaultReport(ratio >= 1, between, _confidence(ratio), detail)


def _confidence(ratio: float) -> float:
    """From .5 at the threshold to 1 at nothing, or at twice the threshold."""
    return 0.5 + 0.5 * min(abs(ratio - 1), 1.0)


# --- the models -----------------------------------------------------------------------------------------------------


class _Segmentation:
    """A model that tells voices apart within a window."""

    _BATCH = 8

    def __init__(self, checkpoint: Checkpoint) -> None:
        model = checkpoint.load()
        if _resolution(model) != "FRAME" or len(model.specifications.classes) < 2:
            raise UsageError(f"{checkpoint.option} {checkpoint.source}: not a model that tells speakers apart in time")
        from pyannote.audio import Inference

        self._inference = Inference(model)  # which also turns powerset classes into voices
        self.rate_hz = int(model.audio.sample_rate)
        self.window_ms = round(1000 * self._inference.duration)

    def activity(self, windows: F32) -> F32:
        """Gives float [n, frames, voices] from float32 [n, T]."""
        import torch

        batches = np.split(windows[:, None], range(self._BATCH, len(windows), self._BATCH))
        return np.concatenate([np.asarray(self._inference.infer(torch.from_numpy(batch))) for batch in batches])


class _Embedding:
    """A model that gives a voice as a vector."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._model = checkpoint.load()
        if _resolution(self._model) != "CHUNK":
            raise UsageError(f"{checkpoint.option} {checkpoint.source}: not a model that embeds voices")
        self.rate_hz = int(self._model.audio.sample_rate)

    def embed(self, pieces: Sequence[F32]) -> F32:
        """Gives float [n, dimension] from n pieces, float32 [T] each."""
        import torch

        with torch.inference_mode():
            vectors = [self._model(torch.from_numpy(piece)[None, None]).numpy()[0] for piece in pieces]
        return np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)


def _resolution(model: Any) -> str:
    """What a model answers for: ``FRAME`` by frame, ``CHUNK`` the whole piece, empty for several tasks at once."""
    return str(getattr(getattr(model.specifications, "resolution", None), "name", ""))
