"""Reads what is compared: the speech of speakers in conversations, as tokens, and as audio where it is asked for.

A side is one speaker in one conversation. Only frames in which the activity of that speaker says that they speak are kept, joined
in their order; silence would tell lines and rooms apart, not voices. What is heard of nobody is kept apart, as a control.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.reader.dataset import Dataset, open_dataset
from duologue_pipeline.reader.shard import Sample
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.records import SPEAKERS, SPLITS
from duologue_pipeline.rules.leakage import LeakageRules
from duologue_schemas.tables import WITHDRAWN

__all__ = ["Chosen", "Side", "choose", "read_sides"]

Hear = Callable[[int, Sample, int, npt.NDArray[np.bool_]], None]

_BANDS_HZ: Final = 1000


@dataclass
class Side:
    """Holds the speech of one speaker in one conversation, or in half of one.

    Attributes:
        speaker: a number that stands for the speaker in this process alone.
        conversation: likewise for the conversation; ``half`` 0 or 1 where it is cut in two, else 0.
        track: 0 for the first track, 1 for the second.
        channel: what is known of how the track was recorded: setting, device, sample rate, and bandwidth in whole kHz.
        codes: uint16 [codebooks, F], the frames in which the speaker speaks.
        unheard: uint16 [codebooks, F'], frames in which nobody does.
        voices: of audio -> duration in seconds -> float32 [segments, values], filled by who embeds audio.
    """

    speaker: int
    conversation: int
    half: int
    track: int
    channel: tuple[Any, ...]
    codes: npt.NDArray[np.uint16]
    unheard: npt.NDArray[np.uint16]
    voices: dict[str, dict[int, npt.NDArray[np.float32]]] = field(default_factory=dict)

    def cuts(self, duration_s: int, frame_rate_hz: float, most: int) -> list[slice]:
        """Cuts segments of a duration out of the frames of speech, one behind the other; none where there is too little."""
        return cuts(self.codes.shape[1], round(duration_s * frame_rate_hz), most)


def cuts(frames: int, length: int, most: int) -> list[slice]:
    """Cuts so many frames into segments of one length, ``most`` at most, one behind the other."""
    return [slice(at * length, (at + 1) * length) for at in range(min(most, frames // length))]


@dataclass(frozen=True)
class Chosen:
    """Names what is compared.

    Attributes:
        sides: speaker, conversation and track of each, as numbers, ordered by conversation.
        keys: conversation -> split and keys of its samples, in their order.
        channels: (conversation, track) -> channel.
        linked: speakers with two conversations at least, of all that the release has.
        speakers: of all that the release has.
    """

    sides: tuple[tuple[int, int, int], ...]
    keys: Mapping[int, tuple[str, tuple[str, ...]]]
    channels: Mapping[tuple[int, int], tuple[Any, ...]]
    linked: int
    speakers: int

    def too_few(self, least: int, *, within: bool) -> str | None:
        """Says why speakers cannot be compared, as the release has too few; None where it has enough."""
        if within:
            return f"the release has fewer than {least} speakers" if self.speakers < least else None
        return f"fewer than {least} speakers are heard in two conversations" if self.linked < least else None


def choose(root: str, purpose: str, rules: LeakageRules, *, seed: int) -> tuple[Mapping[str, Dataset], Chosen]:
    """Chooses speakers and conversations, by hashes of their names and the seed.

    Speakers who are heard in two conversations come first. A track whose samples another one of the release has as well is left
    out: the same recording twice is linked by anything. So is who withdrew.

    Args:
        root: the folder of a release.
        purpose: what it is read for.
        rules: how many.
        seed: of the choice.

    Returns:
        The splits to read from, and what was chosen.

    Raises:
        PurposeError: the release was not made for this purpose.
        UsageError: there is no release, or it is damaged.
    """
    first = open_dataset(root, SPLITS[0], purpose)
    release = first.release
    splits = {
        name: first if name == SPLITS[0] else open_dataset(root, name, purpose)
        for name in SPLITS
        if name in release["splits"]
    }
    of_splits = [(name, dataset.keys()) for name, dataset in splits.items()]
    readable = {key: name for name, keys in of_splits for key in keys}
    index = read_release_table(root, release, "index")
    rows = [row for row in index.select(["key", "recording_id", "segment"]).to_pylist() if row["key"] in readable]
    rows.sort(key=lambda row: (row["recording_id"], row["segment"]))
    samples: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        samples[row["recording_id"]].append(row["key"])
    heard: dict[str, list[tuple[str, int]]] = defaultdict(list)
    channels: dict[tuple[str, int], tuple[Any, ...]] = {}
    audio = set[str]()
    recordings = read_release_table(root, release, "recordings").to_pylist()
    for row in sorted(recordings, key=lambda row: row["recording_id"]):
        name = row["recording_id"]
        if name not in samples or row["speaker_a"] == row["speaker_b"]:
            continue
        for track, speaker in enumerate(SPEAKERS):
            who, hashed = row[f"speaker_{speaker}"], row[f"samples_sha256_{speaker}"]
            if who == WITHDRAWN or hashed in audio:
                continue
            audio.add(hashed)
            heard[who].append((name, track))
            channels[name, track] = _channel(row, speaker)
    linked = [who for who, where in heard.items() if len(where) > 1]

    def drawn(name: str) -> str:
        return hashlib.sha256(f"leakage {seed}:{name}".encode()).hexdigest()

    people = sorted(heard, key=lambda who: (len(heard[who]) < 2, drawn(who)))[: rules.most_speakers]
    found = [
        (number, name, track)
        for number, who in enumerate(people)
        for name, track in sorted(heard[who], key=lambda each: drawn(each[0]))[: rules.most_conversations]
    ]
    names = list(dict.fromkeys(name for _, name, _ in found))
    numbers = {name: number for number, name in enumerate(names)}
    sides = sorted((numbers[name], track, who) for who, name, track in found)
    chosen = Chosen(
        tuple((who, conversation, track) for conversation, track, who in sides),
        {numbers[name]: (readable[samples[name][0]], tuple(samples[name])) for name in names},
        {(numbers[name], track): channels[name, track] for _, name, track in found},
        len(linked),
        len(heard),
    )
    return splits, chosen


def _channel(row: Mapping[str, Any], speaker: str) -> tuple[Any, ...]:
    return (
        row["setting"],
        row.get(f"device_{speaker}"),
        row[f"sample_rate_hz_{speaker}"],
        round(row[f"bandwidth_hz_{speaker}"] / _BANDS_HZ),
    )


def read_sides(
    chosen: Chosen, splits: Mapping[str, Dataset], rules: LeakageRules, *, within: bool, hear: Hear | None = None
) -> Iterator[list[Side]]:
    """Reads the speech of what was chosen, a conversation at a time.

    Args:
        chosen, splits: of :func:`choose`.
        rules: how much speech of a side is read.
        within: cut each side into two halves, which stand for two conversations.
        hear: is told of each sample that is read, for each chosen track: the speaker, the sample, the track, and bool [frames]
            that says which frames of their speech are taken.

    Yields:
        The sides of a conversation.
    """
    tracks: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for who, conversation, track in chosen.sides:
        tracks[conversation].append((who, track))
    for conversation, (split, keys) in chosen.keys.items():
        wanted = tracks[conversation]
        kept: dict[int, tuple[list[npt.NDArray[np.uint16]], list[npt.NDArray[np.uint16]]]] = {
            track: ([], []) for _, track in wanted
        }
        frame_rate_hz = splits[split].release["codec"]["frame_rate_hz"]
        most = round(rules.most_speech_s * frame_rate_hz) * (2 if within else 1)
        for key in keys:
            open_tracks = [each for each in wanted if _frames(kept[each[1]][0]) < most]
            if not open_tracks:
                break
            try:
                sample = splits[split][key]
            except KeyError:  # withdrawn while this runs
                continue
            active = _active(sample, frame_rate_hz)
            for who, track in open_tracks:
                left = most - _frames(kept[track][0])
                speaks = active[track] & (np.cumsum(active[track]) <= left)
                kept[track][0].append(sample.codes[track][:, speaks])
                kept[track][1].append(sample.codes[track][:, ~active.any(axis=0)])
                if hear is not None:
                    hear(who, sample, track, speaks)
        sides = []
        for who, track in wanted:
            if kept[track][0]:
                spoken, unheard = (np.concatenate(parts, axis=1) for parts in kept[track])
                channel = chosen.channels[conversation, track]
                sides += _cut(Side(who, conversation, 0, track, channel, spoken, unheard), within=within)
        yield sides


def _frames(parts: Sequence[npt.NDArray[np.uint16]]) -> int:
    return sum(part.shape[1] for part in parts)


def _active(sample: Sample, frame_rate_hz: float) -> npt.NDArray[np.bool_]:
    """Tells in which frames each speaker speaks: bool [2, frames], by the middle of a frame."""
    middle_s = (np.arange(sample.codes.shape[2]) + 0.5) / frame_rate_hz
    active = np.zeros((2, len(middle_s)), np.bool_)
    for span in sample.metadata["activity"]:
        if span["speaker"] in SPEAKERS:
            active[SPEAKERS.index(span["speaker"])] |= (middle_s >= span["start_s"]) & (middle_s < span["end_s"])
    return active


def _cut(side: Side, *, within: bool) -> list[Side]:
    if not within:
        return [side]
    spoken, unheard = side.codes.shape[1] // 2, side.unheard.shape[1] // 2
    about = (side.track, side.channel)
    return [
        Side(side.speaker, side.conversation, 0, *about, side.codes[:, :spoken], side.unheard[:, :unheard]),
        Side(side.speaker, side.conversation, 1, *about, side.codes[:, spoken:], side.unheard[:, unheard:]),
    ]
