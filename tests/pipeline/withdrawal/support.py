"""A release with everything that a withdrawal can meet, and the shortest way through one."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import soundfile

from duologue_pipeline.codec.document import release_codec_document
from duologue_pipeline.files.tables import read_table
from duologue_pipeline.reader.shard import read_members
from duologue_pipeline.records import FAULTS, BleedReport, Event, FaultReport, IsolationReport, TaggedWord, Tokenized
from duologue_pipeline.release.write import write_release
from duologue_pipeline.shards.write import STAGING, write_shard
from duologue_pipeline.tokens.encode import TokenizeOptions, tokenize_conversation
from duologue_pipeline.withdrawal.new_release import NewRelease, new_release
from duologue_pipeline.withdrawal.plan import Plan, make_plan
from duologue_pipeline.withdrawal.rewrite import RewrittenShard, rewrite_shard
from tests.conftest import REFUSED, TinyCodec, make_annotated, make_noise, make_recording, make_release_options

CLEAN = BleedReport(bleed_db=None, floor_db=-60.0, lag_ms=None, coherence=0.01, solo_s=12.0)
HEARD = BleedReport(bleed_db=-32.0, floor_db=-60.0, lag_ms=8.0, coherence=0.4, solo_s=12.0)


@dataclass(frozen=True)
class Call:
    """A conversation of the release; ``a_from_b`` is what is heard of b in a's track.

    ``audio`` is the seed of its noise, its own if None; ``swapped`` puts it on the other tracks.
    """

    name: str
    shard: str
    a: str
    b: str
    seconds: float
    a_from_b: BleedReport = CLEAN
    audio: int | None = None
    swapped: bool = False


CALLS = (
    Call("call-1", "train-00000", "anna", "ben", 5.0),
    Call("call-2", "train-00000", "anna", "carl", 4.0, a_from_b=HEARD),
    Call("call-3", "train-00000", "dora", "emil", 4.0),
    Call("call-7", "train-00001", "fred", "gina", 4.0),
    Call("call-5", "validation-00000", "hugo", "ines", 2.8),
)
"""Samples are of 2 s: 5.0 s give 3, 4.0 s give 2, 2.8 s give 1."""


def commitment(speaker: str) -> str:
    """As tests/conftest.py makes it."""
    return hashlib.sha256(speaker.encode()).hexdigest()


def words_of(speaker: str) -> tuple[TaggedWord, ...]:
    """Ten words within the first two seconds, which nobody else says."""
    return tuple(TaggedWord(f"{speaker}{number}", 100 + 170 * number, 200 + 170 * number, 0.9) for number in range(10))


EVENTS = (
    Event("ipu", "a", 200, 1000),
    Event("turn", "a", 200, 1000),
    Event("pause", "a", 400, 600),
    Event("overlap_within", "b", 900, 1000),
    Event("backchannel", "b", 900, 1000),
    Event("floor_transfer", "b", 1000, 1100, fto_ms=100),
    Event("gap", "b", 1000, 1100, fto_ms=100),
    Event("ipu", "b", 1100, 1900),
    Event("interruption", "a", 1500, 1700, floor_taking=False),
)


def make_calls(folder: Path, calls: Collection[Call] = CALLS, *, audio: bool = True, **options: Any) -> Path:
    """Writes the release."""
    out = folder / "out"
    parts: dict[str, list[Tokenized]] = {}
    for number, call in enumerate(calls, 1):
        file = folder / f"{call.name}.wav"
        noise = make_noise(call.seconds, seed=call.audio or number)
        soundfile.write(file, noise[:, ::-1] if call.swapped else noise, 8000)
        recording = make_recording(file, recording_id=call.name, speakers=(call.a, call.b))
        isolation = IsolationReport(
            "pass", call.a_from_b, CLEAN, {name: FaultReport(found=False) for name in FAULTS}, rules="1.0"
        )
        conversation = replace(
            make_annotated(recording),
            isolation=isolation,
            events=EVENTS,
            words_a=words_of(call.a),
            words_b=words_of(call.b),
        )
        tokenized = tokenize_conversation(
            conversation,
            codec=TinyCodec(),
            options=TokenizeOptions(segment_s=2.0, include_audio=audio),
            staging=str(out / STAGING),
        )
        parts.setdefault(call.shard, []).append(tokenized)
    shards = [write_shard(shard, own, out=str(out)) for shard, own in parts.items()]
    codec = release_codec_document(TinyCodec())
    made = make_release_options(codec=codec, include_audio=audio, **options)
    write_release(shards, [REFUSED], out=str(out), options=made)
    return out


def release_of(out: Path) -> dict[str, Any]:
    """The document of ``dataset.json``."""
    document: dict[str, Any] = json.loads((out / "dataset.json").read_bytes())
    return document


def plan_for(out: Path, *speakers: str, standing: Collection[str] | None = None) -> Plan:
    """The plan of a withdrawal; everybody else's consent stands unless it is said whose does."""
    index, recordings = (read_table(str(out / f"{name}.parquet")) for name in ("index", "recordings"))
    everybody = {name for side in "ab" for name in recordings[f"speaker_{side}"].to_pylist()}
    gone = {commitment(speaker) if len(speaker) < 64 else speaker for speaker in speakers}
    stands = everybody - gone if standing is None else {commitment(speaker) for speaker in standing}
    return make_plan(
        release_of(out), index, recordings, withdrawn=dict.fromkeys(gone, "consent_withdrawn"), standing=stands
    )


def rewrite_all(out: Path, plan: Plan) -> list[RewrittenShard]:
    """Every shard of the plan rewritten."""
    silence = release_of(out)["codec"].get("silence")
    return [rewrite_shard(str(out), shard, silence=silence, staging=str(out / ".unfinished")) for shard in plan.shards]


@dataclass(frozen=True)
class Done:
    """What one withdrawal did."""

    plan: Plan
    rewritten: list[RewrittenShard]
    new: NewRelease


def withdraw(out: Path, *speakers: str, standing: Collection[str] | None = None) -> Done:
    """A whole withdrawal, with none of the care for crashes and readers."""
    plan = plan_for(out, *speakers, standing=standing)
    rewritten = rewrite_all(out, plan)
    new = new_release(str(out), (out / "dataset.json").read_bytes(), plan, rewritten)
    for file in new.files:
        (out / file.path).write_bytes(file.data)
    (out / "dataset.json").write_bytes(new.dataset_json)
    for shard in plan.shards:
        (out / shard.path).unlink()
    unfinished = out / ".unfinished"
    if unfinished.exists():
        unfinished.rmdir()
    return Done(plan, rewritten, new)


def contents(out: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def samples_of(out: Path) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Key and members of every sample, in the order of the shards."""
    for shard in release_of(out)["shards"]:
        yield from read_members(str(out / shard["path"]))
