"""Writes held-out conversations as Full-Duplex-Bench lays out its data, v1.0 and v1.5, for its own evaluation code.

    v1_0/pause_handling/1000000001/        input.wav, input.json, transcription.json, pause.json, item.json
    v1_0/smooth_turn_taking/.../           ..., turn_taking.json
    v1_0/backchannel/.../                  ...
    v1_0/user_interruption/.../            ..., interrupt.json, context.wav, interrupt.wav
    v1_5/user_interruption/.../            input.wav, clean_input.wav, metadata.json, input.json, clean_input.json, item.json
    v1_5/user_backchannel/.../             ...
    icc_gt_distribution.json               item of v1_0/backchannel -> share of people's backchannels in each .2 s
    README.md                              how to run it

``input.wav`` is the user alone, 16 kHz: its code hands audio to Silero VAD without resampling. A model's answer goes beside it as
``output.wav``. Folders of items have names of digits, for its code passes over others.

v1.5's ``talking_to_other`` and ``background_speech`` cannot be made: they need a third voice, which no recording of two people
has. Its ``clean_input.wav`` is the same recording in which the user is silent after the context.

Source: DanielLin94144/Full-Duplex-Bench@d7336bd v1_v1.5/dataset/README.md, v1_v1.5/evaluation, v1_v1.5/get_transcript/asr.py.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_consent import Form
from duologue_pipeline.errors import UsageError
from duologue_pipeline.events.full_duplex_bench import ground_truth
from duologue_pipeline.export.account import Account, PartResult
from duologue_pipeline.export.format import Context, Need, Option, Part
from duologue_pipeline.export.items import ItemPlan, Limits, plan_items
from duologue_pipeline.export.sound import pcm_16
from duologue_pipeline.export.wav import tracks_of
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.records import SPEAKERS, SPLITS, Span, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.score import ScoreRules
from duologue_pipeline.views.sides import other_speaker
from duologue_pipeline.views.words import SpokenWord, has_transcript, is_withdrawn

__all__ = ["FullDuplexBench", "item_number"]

RATE_HZ: Final = 16_000
_FADE: Final = 160

_Pcm = npt.NDArray[np.float32]
_Words = Mapping[Speaker, Sequence[SpokenWord]]

_NOT_MADE: Final = (
    "`talking_to_other` and `background_speech`: they need a third voice, which a recording of two people does not hold"
)

_README: Final = """# Items for Full-Duplex-Bench from held-out conversations

Copy this folder for each model that is tested, and remove the copies when a speaker withdraws. Each item is a folder with `input.wav`,
the user alone. Let the model answer it into `output.wav` beside it (one channel, 16 kHz, of
the same length), and have its words recognised into `output.json` (`v1_v1.5/get_transcript/asr.py`). Then, in the copy, with the
evaluation code of https://github.com/DanielLin94144/Full-Duplex-Bench in `FDB`:

    python FDB/v1_v1.5/evaluation/evaluate.py --task pause_handling --root_dir v1_0/pause_handling
    python FDB/v1_v1.5/evaluation/evaluate.py --task backchannel --root_dir v1_0/backchannel
    python FDB/v1_v1.5/evaluation/get_timing.py --root_dir v1_5/user_backchannel

`backchannel` reads `icc_gt_distribution.json` of the folder in which it is started. `duologue score-duplex` scores the same items by
the definitions of duologue's events and needs no transcript.

{counts}

Not made: {not_made}.

The ground truth of backchannels is what one listener did, not what several people would have done, so it is spikier than that of
Full-Duplex-Bench's ICC, and divergences from it are larger. `clean_input.wav` is the recording with the user silent after the context.
"""


class FullDuplexBench:
    """Writes the task folders of Full-Duplex-Bench."""

    name: Final = "full-duplex-bench"
    description: Final = (
        "Write held-out conversations as items for the evaluation code of Full-Duplex-Bench v1.0 and v1.5."
    )
    needs: Final[frozenset[Need]] = frozenset({"audio"})
    tokenizer: Final = "none"
    options: Final[Mapping[str, Option]] = {
        "human": Option(
            False, "Write what the other speaker answered as output.wav and output.json, to score people as a model."
        ),
        "min_pause": Option(0.4, "Make items of pauses of at least so many seconds."),
        "min_talk": Option(6.0, "Look for backchannels in turns of at least so many seconds."),
        "max_item": Option(60.0, "Make no item longer than so many seconds."),
    }
    version: Final = 1

    def forms(self, context: Context) -> tuple[Form, ...]:
        """Lists the forms of a recording that the files hold."""
        return (Form.AUDIO, Form.TRANSCRIPT, Form.ANNOTATIONS)

    def part(self, samples: Iterator[Sample], out: Path, context: Context) -> PartResult:
        """Writes the items of each sample, those of either side as the model's."""
        account, limits = Account(), _limits(context)
        numbers, index = Counter[str](), []
        for sample in samples:
            told = {"language": sample.metadata["language"] or None, "conversation": context.conversation(sample)}
            name, sides = context.name(sample), context.model_sides(sample)
            silenced = any(is_withdrawn(sample, side) for side in SPEAKERS)
            plans = [] if silenced else [plan for side in sides for plan in plan_items(sample, side, limits)]
            if not plans:
                account.leave(sample, "silenced" if silenced else "no_item" if sides else "no_model_side")
                continue
            words = account.take(sample)
            told_words = {side: own for side, own in words.items() if has_transcript(sample, side)}
            tracks, _, _ = tracks_of(sample, SPEAKERS, rate_hz=RATE_HZ)
            for plan in plans:
                for folder in _folders(plan):
                    numbers[folder] += 1
                    number = item_number(context.part, numbers[folder])
                    item = _Item(out / folder / number, plan, tracks, told_words)
                    item.write(v1_5=folder.startswith("v1_5"), human=context.options["human"])
                    item.json("item.json", told | {"sample": name, "model": other_speaker(plan.user)})
                    truth = item.truth()
                    index.append([folder, number, truth])
            spoken = [plan.span for plan in plans]
            unused = sum(not any(_in(word, span) for span in spoken) for own in words.values() for word in own)
            account.leave_words("no_item", unused)
        return account.result(index)

    def finish(self, out: Path, parts: Iterable[Part], context: Context) -> None:
        """Writes where people gave backchannels in each item, and how to run it all."""
        counts: Counter[str] = Counter()
        truths: dict[str, list[float]] = {}
        for part in parts:
            for folder, number, truth in part.index:
                counts[folder] += 1
                if truth is not None:
                    truths[number] = truth
        _write_json(out / "icc_gt_distribution.json", truths)
        listed = "\n".join(
            f"- `{folder}`: {count} item{'' if count == 1 else 's'}" for folder, count in sorted(counts.items())
        )
        text = _README.format(counts=listed or "There are no items.", not_made=_NOT_MADE)
        (out / "README.md").write_text(text, encoding="utf-8")


def item_number(part: str, number: int) -> str:
    """Names an item by digits: of the split, the part and its place in it, so that no two parts share a name."""
    split, _, place = part.rpartition("-")
    return f"{SPLITS.index(split) + 1}{int(place):05d}{number:05d}"


def _limits(context: Context) -> Limits:
    options = {name: round(1000 * context.options[name]) for name in ("min_pause", "min_talk", "max_item")}
    for name, value in options.items():
        if not 1 <= value <= 3_600_000:
            raise UsageError(f"--set {name}={context.options[name]:g}: expected seconds, up to an hour")
    return Limits(
        pause_ms=options["min_pause"],
        talk_ms=options["min_talk"],
        gap_ms=3000,
        room_ms=1500,
        item_ms=options["max_item"],
    )


def _folders(plan: ItemPlan) -> tuple[str, ...]:
    if plan.task == "user_interruption":
        return "v1_0/user_interruption", "v1_5/user_interruption"
    return ("v1_5/user_backchannel",) if plan.task == "user_backchannel" else (f"v1_0/{plan.task}",)


def _in(word: SpokenWord, span: Span) -> bool:
    """Tells whether the middle of a word lies in a stretch: the first word of what comes next may begin a moment before."""
    return span.start_ms <= 500 * (word.start_s + word.end_s) < span.end_ms


class _Item:
    """Writes the files of one item; of a speaker without a transcript no words, as an empty list would say that nothing is said."""

    def __init__(self, folder: Path, plan: ItemPlan, tracks: _Pcm, words: _Words) -> None:
        self._folder, self._plan, self._words = folder, plan, words
        self._user = self._cut(tracks, plan.user)
        self._model = self._cut(tracks, other_speaker(plan.user))
        folder.mkdir(parents=True)

    def write(self, *, v1_5: bool, human: bool) -> None:
        """Writes audio, words, and when it happens; with the human answer as the model's where that is asked for."""
        plan = self._plan
        model = other_speaker(plan.user)
        self._wav("input.wav", self._user)
        self._write_words("input.json", plan.user)
        if v1_5:
            assert plan.context is not None
            assert plan.event is not None
            cut_ms = plan.context.end_ms - plan.span.start_ms
            self._wav("clean_input.wav", _silent_from(self._user, cut_ms * RATE_HZ // 1000))
            self.json(
                "clean_input.json", _chunks([w for w in self._said(plan.user) if w["timestamp"][0] * 1000 < cut_ms])
            )
            self.json(
                "metadata.json",
                {
                    "context_text": self._text(plan.context),
                    "current_turn_text": self._text(plan.event),
                    "timestamps": self._stamp(plan.event),
                },
            )
        else:
            sides = [side for side in (model, plan.user) if side in self._words]
            said = [{"speaker": int(side == plan.user), "item": self._said(side)} for side in sides]
            if said:
                self.json("transcription.json", said)
            self._when()
        if human:
            self._wav("output.wav", self._model)
            after_ms = plan.event.end_ms if plan.task == "user_interruption" and plan.event and not v1_5 else 0
            self._write_words("output.json", model, from_ms=after_ms)

    def _when(self) -> None:
        plan = self._plan
        if plan.task == "pause_handling":
            self.json("pause.json", [{"text": "[PAUSE]", "timestamp": self._stamp(each)} for each in plan.moments])
        elif plan.task == "smooth_turn_taking":
            self.json("turn_taking.json", [{"text": "[TURN-TAKING]", "timestamp": self._stamp(plan.moments[0])}])
        elif plan.task == "user_interruption":
            assert plan.context is not None
            assert plan.event is not None
            texts = {"context": self._text(plan.context), "interrupt": self._text(plan.event)}
            self.json("interrupt.json", [texts | {"timestamp": self._stamp(plan.event)}])
            for name, span in (("context.wav", plan.context), ("interrupt.wav", plan.event)):
                first, last = ((at - plan.span.start_ms) * RATE_HZ // 1000 for at in (span.start_ms, span.end_ms))
                self._wav(name, self._user[first:last])

    def truth(self) -> list[float] | None:
        """Makes the distribution of the backchannels that people gave; None where the task has none."""
        span, rules = self._plan.span, load_rules(ScoreRules)
        given = [Span(each.start_ms - span.start_ms, each.end_ms - span.start_ms) for each in self._plan.backchannels]
        return ground_truth(given, span.duration_ms, rules) if given else None

    def json(self, name: str, content: Any) -> None:
        """Writes a JSON file of the item."""
        _write_json(self._folder / name, content)

    def _cut(self, tracks: _Pcm, speaker: Speaker) -> _Pcm:
        first, last = (at * RATE_HZ // 1000 for at in (self._plan.span.start_ms, self._plan.span.end_ms))
        return tracks[SPEAKERS.index(speaker), first:last]

    def _wav(self, name: str, pcm: _Pcm) -> None:
        (self._folder / name).write_bytes(pcm_16(pcm.astype(np.float64), RATE_HZ, kind="WAV"))

    def _write_words(self, name: str, speaker: Speaker, *, from_ms: int = 0) -> None:
        if speaker in self._words:
            self.json(name, _chunks(self._said(speaker, from_ms=from_ms)))

    def _said(self, speaker: Speaker, *, from_ms: int = 0) -> list[dict[str, Any]]:
        """Lists the words of a speaker in the item; what reaches beyond it, by a moment, is cut there."""
        span = self._plan.span
        return [
            {
                "text": word.text,
                "timestamp": [
                    round(min(max(1000 * at_s - span.start_ms, 0), span.duration_ms) / 1000, 3)
                    for at_s in (word.start_s, word.end_s)
                ],
            }
            for word in self._words[speaker]
            if _in(word, span) and word.start_ms >= from_ms
        ]

    def _text(self, span: Span) -> str:
        return " ".join(word.text for word in self._words[self._plan.user] if _in(word, span))

    def _stamp(self, span: Span) -> list[float]:
        return [round((at - self._plan.span.start_ms) / 1000, 3) for at in (span.start_ms, span.end_ms)]


def _chunks(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"text": " ".join(word["text"] for word in said), "chunks": list(said)}


def _silent_from(pcm: _Pcm, first: int) -> _Pcm:
    """Lets a track fall silent from a sample on, within 10 ms."""
    gain = np.ones(len(pcm), np.float32)
    gain[first:] = 0
    fade = gain[first : first + _FADE].size
    gain[first : first + fade] = np.linspace(1, 0, fade, endpoint=False, dtype=np.float32)
    return pcm * gain


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
