"""Makes releases of people whose voices are known: how loud and how bright they are is all that the tiny codec hears."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile

from duologue_pipeline.records import Activity, Span, Tokenized
from duologue_pipeline.release.write import write_release
from duologue_pipeline.shards.write import STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from tests.conftest import Pcm, TinyCodec, make_annotated, make_recording, make_release_options

__all__ = ["make_people"]

SECONDS = 12.0
RATE_HZ = 8000


def _voice(person: int | None, conversation: int, *, differ: bool) -> Pcm:
    """Noise as loud and as bright as the person, a little otherwise in each frame; of nobody it is one noise."""
    draw = np.random.default_rng([conversation, 0 if person is None else person + 1])
    level = 0.02 + 0.02 * (person or 0) if differ else 0.1
    frames = round(SECONDS * 12.5)
    loud = level * draw.uniform(0.9, 1.1, frames).repeat(RATE_HZ * 2 // 25)
    return (loud * draw.normal(0, 1, len(loud)).clip(-2, 2)).astype(np.float32)


def make_people(folder: Path, people: int = 24, *, each: int = 2, differ: bool = True, audio: bool = False) -> Path:
    """A release in which each of so many people has ``each`` conversations, with another partner each time.

    Args:
        folder: is written into.
        people: an even number.
        each: conversations of a person.
        differ: whether their voices differ at all.
        audio: whether the release holds audio.
    """
    out = folder / "out"
    parts: list[Tokenized] = []
    for number in range(people * each // 2):
        turn, place = divmod(number, people // 2)
        pair = 2 * place, (2 * place + 1 + 2 * turn) % people
        path = folder / f"call-{number:03d}.wav"
        tracks = [_voice(person, number, differ=differ) for person in pair]
        soundfile.write(path, np.stack(tracks, axis=1), RATE_HZ)
        recording = make_recording(
            path, recording_id=f"call-{number:03d}", speakers=tuple(f"spk-{person:03d}" for person in pair)
        )
        spans = (Span(1000, round(1000 * SECONDS)),)
        told = make_annotated(recording)
        parts.append(
            tokenize_conversation(
                replace(told, activity=Activity(a=spans, b=spans, rules="1.0")),
                codec=TinyCodec(),
                options=TokenizeOptions(segment_s=4.0, include_audio=audio),
                staging=str(out / STAGING),
            )
        )
    shards = [write_shard("train-00000", parts, out=str(out))]
    write_release(shards, [], out=str(out), options=make_release_options(include_audio=audio))
    return out
