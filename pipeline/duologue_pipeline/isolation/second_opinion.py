"""Asks pyannote.audio whether one track holds a second voice, and whether both tracks hold one voice.

The models listen to sampled pieces only, a stated number of them (``rules/second_opinion.json``), so the cost does not
grow with the recording. Embeddings are compared in memory and given to nobody: what comes out is one cosine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from duologue_pipeline.isolation.voice_models import EmbeddingModel, SegmentationModel
from duologue_pipeline.isolation.windows import cut_spans, exchange_windows, solo_pieces, spread_windows
from duologue_pipeline.models.checkpoints import Checkpoint
from duologue_pipeline.records import FaultReport, IsolationReport, Recording
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.second_opinion import SecondOpinionRules

__all__ = ["Listener", "SecondOpinion", "judge_second_voice", "judge_voices", "with_second_opinion"]

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class SecondOpinion:
    """Names the checkpoints that are asked; there is at least one."""

    segmentation: Checkpoint | None
    embedding: Checkpoint | None

    @classmethod
    def of(cls, segmentation: str | None, embedding: str | None, *, allow_network: bool) -> Self | None:
        """Reads the options of the command line, and checks each checkpoint against its hash.

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
        """Says what a release tells about the second opinion: hashes of the checkpoints, version of the rules."""
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
    """Listens to recordings with the loaded models."""

    def __init__(self, opinion: SecondOpinion) -> None:
        self._rules = load_rules(SecondOpinionRules)
        self._segmentation = opinion.segmentation and SegmentationModel(opinion.segmentation)
        self._embedding = opinion.embedding and EmbeddingModel(opinion.embedding)

    def ask(self, recording: Recording, report: IsolationReport, *, duration_ms: int) -> dict[str, FaultReport]:
        """Listens to pieces of a recording and reports what the models hear.

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
            cuts = cut_spans(recording, [*pieces[0], *pieces[1]], rate_hz=self._embedding.rate_hz)
            a = self._embedding.embed([cut[0] for cut in cuts[: len(pieces[0])]])
            b = self._embedding.embed([cut[1] for cut in cuts[len(pieces[0]) :]])
            found["same_voice"] = judge_voices(a, b, rules=self._rules)
        return found

    def _second_voices(
        self, model: SegmentationModel, recording: Recording, report: IsolationReport, duration_ms: int
    ) -> dict[str, FaultReport]:
        exchanges = exchange_windows(report, window_ms=model.window_ms, duration_ms=duration_ms, rules=self._rules)
        spread = spread_windows(self._rules.spread_windows, window_ms=model.window_ms, duration_ms=duration_ms)
        windows = np.stack(cut_spans(recording, [*exchanges, *spread], rate_hz=model.rate_hz, whole_ms=model.window_ms))
        found = {}
        for track, side in enumerate("ab"):
            activity = model.activity(windows[:, track])
            around, evenly = activity[: len(exchanges)], activity[len(exchanges) :]
            found[f"other_voice_{side}"] = judge_second_voice(around, evenly, rules=self._rules)
        return found


def with_second_opinion(report: IsolationReport, opinion: Mapping[str, FaultReport]) -> IsolationReport:
    """Adds the second opinion to the faults of a report; where it found something, ``pass`` becomes ``warn``."""
    verdict = "warn" if report.verdict == "pass" and any(fault.found for fault in opinion.values()) else report.verdict
    return replace(report, verdict=verdict, faults={**report.faults, **opinion})


def judge_second_voice(exchanges: F32, spread: F32, *, rules: SecondOpinionRules) -> FaultReport:
    """Judges whether a track holds more than one voice.

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
    """Gives the confidence: .5 at the threshold, rising to 1 at nothing and at twice the threshold."""
    return 0.5 + 0.5 * min(abs(ratio - 1), 1.0)
