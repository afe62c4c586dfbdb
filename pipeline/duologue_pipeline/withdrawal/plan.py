"""Plans a withdrawal: what happens to every sample of the shards that hold a withdrawn speaker.

A plan is made from ``dataset.json``, ``index.parquet`` and ``recordings.parquet`` alone; no shard is opened. It says
nothing about shards that do not hold a withdrawn speaker: they stay as they are, byte for byte.

A sample is dropped, unless one speaker can be taken out of it without a trace. That is so where exactly one of the
two has withdrawn, the other one's consent still stands, and the isolation report proves that the withdrawn voice is not
in the other track: verdict, no fault found, no copy seen, and enough evidence to have seen one (rules/withdrawal.json).
Then that speaker is *silenced*: :mod:`duologue_pipeline.withdrawal.silence`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc

from duologue_pipeline.records import SPEAKERS, Speaker
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.withdrawal import WithdrawalRules

__all__ = [
    "Action",
    "Plan",
    "RecordingPlan",
    "SamplePlan",
    "ShardPlan",
    "joined",
    "make_plan",
    "silenced_side",
    "why_not_silenced",
]

Action = Literal["keep", "drop", "silence_a", "silence_b"]


@dataclass(frozen=True)
class SamplePlan:
    """Says what happens to one sample of a touched shard; its members begin at ``offset`` and take ``bytes`` bytes."""

    key: str
    offset: int
    bytes: int
    action: Action
    duration_s: float


@dataclass(frozen=True)
class ShardPlan:
    """Describes one touched shard as it is now; ``path`` is that of ``dataset.json``, samples are in the order of the file."""

    path: str
    split: str
    sha256: str
    bytes: int
    samples: tuple[SamplePlan, ...]

    @property
    def kept(self) -> int:
        """Counts the samples that the new shard will hold; with none there is no new shard."""
        return sum(sample.action != "drop" for sample in self.samples)


@dataclass(frozen=True)
class RecordingPlan:
    """Says what happens to one recording of a withdrawn speaker, and why.

    Attributes:
        recording_id: the recording.
        action: ``drop``, ``silence_a`` or ``silence_b``, of all its samples.
        withdrawn: the sides that withdrew: ``a``, ``b`` or both.
        why: why it is dropped and not silenced, a sentence; empty where it is silenced.
        samples: how many samples it has.
        duration_s: of its samples.
    """

    recording_id: str
    action: Action
    withdrawn: tuple[Speaker, ...]
    why: str
    samples: int
    duration_s: float


@dataclass(frozen=True)
class Plan:
    """Says what a withdrawal does to one release.

    Attributes:
        commitments: of the withdrawn speakers that the release holds -> why they are (what the caller said).
        recordings: those that they speak in, by recording_id.
        shards: the touched ones, in the order of ``dataset.json``.
        rules: version of the rule set.
    """

    commitments: Mapping[str, str] = field(default_factory=dict)
    recordings: tuple[RecordingPlan, ...] = ()
    shards: tuple[ShardPlan, ...] = ()
    rules: str = ""

    @property
    def touched_bytes(self) -> int:
        """Sums up the bytes of the touched shards as they are now."""
        return sum(shard.bytes for shard in self.shards)

    @property
    def withdrawn_s(self) -> float:
        """Sums up the seconds of the withdrawn speakers: of each of their tracks, in all their samples."""
        return sum(recording.duration_s * len(recording.withdrawn) for recording in self.recordings)

    @property
    def removed_s(self) -> float:
        """Sums up the seconds of tracks that go: both tracks of a dropped sample, one of a silenced one.

        ``removed_s / withdrawn_s`` is the over-deletion: 1.0 where only withdrawn speakers lose anything.
        """
        return sum(recording.duration_s * (2 if recording.action == "drop" else 1) for recording in self.recordings)

    @property
    def actions(self) -> dict[str, Action]:
        """Maps recording_id -> what happens to it; recordings that are not in it stay."""
        return {recording.recording_id: recording.action for recording in self.recordings}

    def counts(self) -> dict[str, int | float]:
        """Counts what may be published about the plan: numbers, and nobody's name or commitment."""
        dropped = [recording for recording in self.recordings if recording.action == "drop"]
        silenced = [recording for recording in self.recordings if recording.action != "drop"]
        return {
            "speakers": len(self.commitments),
            "recordings_dropped": len(dropped),
            "recordings_silenced": len(silenced),
            "samples_dropped": sum(recording.samples for recording in dropped),
            "samples_silenced": sum(recording.samples for recording in silenced),
            "withdrawn_s": round(self.withdrawn_s, 3),
            "removed_s": round(self.removed_s, 3),
        }

    def document(self) -> dict[str, Any]:
        """Gives the plan as JSON values, for a journal."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Builds the plan from a :meth:`document`, also when it has been through JSON."""
        return cls(
            commitments=dict(document["commitments"]),
            recordings=tuple(
                RecordingPlan(**{**row, "withdrawn": tuple(row["withdrawn"])}) for row in document["recordings"]
            ),
            shards=tuple(
                ShardPlan(**{**row, "samples": tuple(SamplePlan(**sample) for sample in row["samples"])})
                for row in document["shards"]
            ),
            rules=document["rules"],
        )


def joined(plans: Sequence[Plan]) -> Plan:
    """Joins the plans of one withdrawal that were carried out one after the other; of a recording the last one counts."""
    recordings: dict[str, RecordingPlan] = {}
    for recording in (recording for plan in plans for recording in plan.recordings):
        before = recordings.get(recording.recording_id)
        sides = {*recording.withdrawn, *(before.withdrawn if before else ())}
        withdrawn = tuple(side for side in SPEAKERS if side in sides)
        recordings[recording.recording_id] = replace(recording, withdrawn=withdrawn)
    return Plan(
        commitments={name: why for plan in plans for name, why in plan.commitments.items()},
        recordings=tuple(recordings[name] for name in sorted(recordings)),
        shards=tuple(shard for plan in plans for shard in plan.shards),
        rules=plans[-1].rules,
    )


def silenced_side(action: Action) -> Speaker | None:
    """Names the side that an action silences: ``a``, ``b`` or nobody."""
    return {"silence_a": SPEAKERS[0], "silence_b": SPEAKERS[1]}.get(action)


def make_plan(
    release: Mapping[str, Any],
    index: pa.Table,
    recordings: pa.Table,
    *,
    withdrawn: Mapping[str, str],
    standing: Collection[str] = (),
) -> Plan:
    """Plans a withdrawal.

    Args:
        release: the document of ``dataset.json``.
        index: the table of ``index.parquet``.
        recordings: the table of ``recordings.parquet``.
        withdrawn: commitment of a speaker whose tracks have to go -> why (for the receipt). Those that the release does
            not hold are ignored.
        standing: commitments of speakers whose consent for the release's purposes still stands. Only their samples
            can be silenced on the other side; unknown is no.

    Returns:
        The plan; without shards where nothing has to be done.

    Raises:
        ValueError: the tables do not belong to the release.
    """
    rules = load_rules(WithdrawalRules)
    wanted = pa.array(withdrawn, pa.string())
    mine = index.filter(
        pc.or_(pc.is_in(index["speaker_a"], value_set=wanted), pc.is_in(index["speaker_b"], value_set=wanted))
    )
    plans: dict[str, RecordingPlan] = {}
    totals = mine.group_by("recording_id").aggregate([("key", "count")])
    samples_of = dict(zip(totals["recording_id"].to_pylist(), totals["key_count"].to_pylist(), strict=True))
    lengths_s: dict[str, list[float]] = {}
    for row in mine.select(["recording_id", "start_s", "end_s"]).to_pylist():
        lengths_s.setdefault(row["recording_id"], []).append(row["end_s"] - row["start_s"])
    reports = recordings.filter(pc.is_in(recordings["recording_id"], value_set=pa.array(samples_of, pa.string())))
    for report in reports.to_pylist():
        name = report["recording_id"]
        gone = tuple(side for side in SPEAKERS if report[f"speaker_{side}"] in withdrawn)
        why = why_not_silenced(report, gone, standing=standing, codec=release["codec"])
        action: Action = "drop" if why else ("silence_a" if gone == ("a",) else "silence_b")
        plans[name] = RecordingPlan(name, action, gone, why, samples_of[name], round(sum(lengths_s[name]), 3))
    if plans.keys() != samples_of.keys():
        missing = min(samples_of.keys() - plans.keys())
        raise ValueError(f"recording {missing} is in index.parquet and not in recordings.parquet: not of one release")
    found = {report[f"speaker_{side}"] for report in reports.to_pylist() for side in SPEAKERS}
    return Plan(
        commitments={commitment: why for commitment, why in sorted(withdrawn.items()) if commitment in found},
        recordings=tuple(plans[name] for name in sorted(plans)),
        shards=_shards(release, index, set(mine["shard"].to_pylist()), plans),
        rules=rules.version,
    )


def why_not_silenced(
    report: Mapping[str, Any], withdrawn: Sequence[Speaker], *, standing: Collection[str], codec: Mapping[str, Any]
) -> str:
    """Says why the samples of a recording cannot be kept with one speaker silenced; empty if they can.

    Args:
        report: the recording's row of ``recordings.parquet``.
        withdrawn: the sides that withdrew.
        standing: as in :func:`make_plan`.
        codec: ``codec`` of ``dataset.json``; its ``silence`` says what the tokens of silence are.
    """
    rules = load_rules(WithdrawalRules)
    if len(withdrawn) != 1:
        return "both speakers withdrew"
    gone, other = withdrawn[0], "b" if withdrawn[0] == "a" else "a"
    where = f"{other}_from_{gone}"
    floor_db, solo_s = report[f"floor_db_{where}"], report[f"solo_s_{where}"]
    found = [name.removesuffix("_found") for name, value in report.items() if name.endswith("_found") and value]
    unjudged = [name for name in rules.silence_faults_judged if report[f"{name}_found"] is None]
    if report[f"speaker_{other}"] not in standing:
        return f"it is not known that the consent of speaker {other} still stands"
    if not codec.get("silence"):
        return "the release does not say what the codec's tokens of silence are"
    if report["isolation"] != rules.silence_verdict:
        return f"the isolation verdict is {report['isolation']}"
    if found:
        return f"the isolation found {found[0]}"
    if unjudged:
        return f"the isolation could not judge {unjudged[0]}"
    if report[f"bleed_db_{where}"] is not None:
        return f"the voice of {gone} was seen in the track of {other}, at {report[f'bleed_db_{where}']:.1f} dB"
    if floor_db is None or solo_s is None or solo_s < rules.silence_min_solo_s:
        return f"too little evidence ({solo_s or 0:.1f} s) that the voice of {gone} is not in the track of {other}"
    if floor_db > rules.silence_max_floor_db:
        return f"the voice of {gone} in the track of {other} would have been seen above {floor_db:.1f} dB only"
    return ""


def _shards(
    release: Mapping[str, Any], index: pa.Table, touched: set[str], recordings: Mapping[str, RecordingPlan]
) -> tuple[ShardPlan, ...]:
    rows = index.filter(pc.is_in(index["shard"], value_set=pa.array(touched, pa.string())))
    samples: dict[str, list[SamplePlan]] = {}
    for row in rows.select(["shard", "key", "offset", "bytes", "recording_id", "start_s", "end_s"]).to_pylist():
        plan = recordings.get(row["recording_id"])
        samples.setdefault(row["shard"], []).append(
            SamplePlan(
                row["key"], row["offset"], row["bytes"], plan.action if plan else "keep", row["end_s"] - row["start_s"]
            )
        )
    shards = []
    for shard in release["shards"]:
        own = sorted(samples.pop(shard["path"], []), key=lambda sample: sample.offset)
        if own and len(own) != shard["samples"]:
            raise ValueError(
                f"{shard['path']}: index.parquet has {len(own)} of its samples, dataset.json says {shard['samples']}"
            )
        if own:
            shards.append(ShardPlan(shard["path"], shard["split"], shard["sha256"], shard["bytes"], tuple(own)))
    if samples:
        raise ValueError(f"{min(samples)}: is in index.parquet and not in dataset.json: not of one release")
    return tuple(shards)
