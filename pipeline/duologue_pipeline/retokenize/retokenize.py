"""Makes of a release with audio one with the tokens of another codec: the same samples, annotations, splits and consent.

The new release is made as a run makes one. Each recording becomes a part in the staging folder, named after all that
decides its bytes, so that work that was killed goes on; shards hold the recordings that they held; ``dataset.json`` is written last,
under the lock of the folder, and only if the ledger as it is then allows all that lies ready.

Who may no longer be used in the release that it is made of may not be copied: such a release is refused until ``duologue consent
propagate`` has taken them out. Whom that has taken out stays out: their audio is digital silence, and so are their tokens
(docs/adr/0046).
"""

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from duologue_consent import Ledger, parse_time
from duologue_pipeline.codec.base import silence_tokens
from duologue_pipeline.codec.document import codec_document, release_codec_document
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.consent.coverage import Coverage
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.locks import Lease
from duologue_pipeline.files.storage import absolute_uri, delete_directory, exists, is_remote, join, local_path
from duologue_pipeline.files.tables import parse_table
from duologue_pipeline.files.temporary import remove_dead_temporaries
from duologue_pipeline.files.text import canonical_json, parse_json
from duologue_pipeline.made_by import MADE_BY
from duologue_pipeline.reader.fetch import Shards
from duologue_pipeline.reader.index import shard_stem
from duologue_pipeline.reader.release import read_release
from duologue_pipeline.reader.release_file import JOURNAL, release_file, table_paths
from duologue_pipeline.records import Rejected, WrittenShard
from duologue_pipeline.release.publish import publish_release
from duologue_pipeline.release.stated import read_statement
from duologue_pipeline.release.strays import is_tidy
from duologue_pipeline.release.write import ReleaseOptions, lay_release_ready
from duologue_pipeline.retokenize.cuts import StoredRecording, find_cuts
from duologue_pipeline.retokenize.parts import OtherTokens, write_part
from duologue_pipeline.retokenize.recipient import record_recipient
from duologue_pipeline.run.confirm import WithdrawnMeanwhile, confirmation
from duologue_pipeline.run.faults import faults_as_usage
from duologue_pipeline.run.folder import held, is_complete, prepare, tidy
from duologue_pipeline.run.ledger import PinnedLedger, continuing_ledger, stage_log
from duologue_pipeline.shards.write import READY, STAGING, write_shard
from duologue_pipeline.withdrawal.continuity import require_continues_release
from duologue_pipeline.withdrawal.state import ReleaseState, read_state

__all__ = ["Retokenized", "retokenize"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Retokenized:
    """Says what became of a release.

    Attributes:
        out: the folder of the new one.
        release: the document of its ``dataset.json``.
        was_complete: whether the folder held this very release already.
    """

    out: str
    release: Mapping[str, Any]
    was_complete: bool


def retokenize(
    dataset: str,
    *,
    codec: str,
    out: str,
    ledger: str,
    name: str | None = None,
    wait_s: float = 600.0,
    tell: Tell = lambda _: None,
) -> Retokenized:
    """Makes a release with the tokens of another codec.

    Args:
        dataset: the folder of a release with audio: a path, ``s3://`` or ``gs://``.
        codec: as for ``--codec`` of a run.
        out: the folder of the new release, likewise.
        ledger: path or URL of the ledger of consent that the release was made with.
        name: of the new release; that of the old one if None.
        wait_s: how long to wait for another process that works in ``out``.
        tell: is told each step as a line of text.

    Returns:
        The new release; the same arguments give the same bytes.

    Raises:
        UsageError: the release has no audio, cannot be read, or holds who may no longer be used; its samples do not begin on the codec's
            frames; the ledger or the codec cannot be opened; or ``out`` holds something else.
    """
    root, target = absolute_uri(dataset), absolute_uri(out)
    if root == target:
        raise UsageError(f"--out {out}: is the release itself, which is never written over; name another folder")
    _check_beside(root, target, out)
    remove_dead_temporaries()
    release = read_release(root)
    if not release["include_audio"]:
        raise UsageError(
            f"{dataset}: the release {release['name']} holds no audio (include_audio is false), of which other tokens could be made; "
            "make it anew from the recordings with `duologue run --codec`, or with --include-audio for next time"
        )
    opened = continuing_ledger(ledger, out=target, now=datetime.now(UTC), tell=tell)
    if opened is None:
        raise UsageError(f"--ledger {ledger}: there is no such ledger; give the one that the release was made with")
    state = _usable_state(root, opened)
    # The checkpoint goes along, and the coverage that was asked for by it, so that a longer ledger gives the same bytes.
    pinned = PinnedLedger(opened, opened.snapshot(state.release["ledger"]["events"]), state.release["ledger"])
    tokens, options = _prepared(state, pinned, codec, target, name)
    if is_complete(target, options.fingerprint) and is_tidy(target, read_release(target)):
        return Retokenized(target, read_release(target), was_complete=True)
    with faults_as_usage(target), held(target, wait_s=wait_s, tell=tell) as lease:
        if is_complete(target, options.fingerprint):  # another process may have written it while this one waited
            tidy(target, tell=tell)
            return Retokenized(target, read_release(target), was_complete=True)
        made = _make(state, pinned, tokens, options, target, lease, tell)
    return Retokenized(target, made, was_complete=False)


def _usable_state(root: str, ledger: Ledger) -> ReleaseState:
    """Reads the release, and refuses to copy who may no longer be used."""
    now = datetime.now(UTC)
    if exists(join(root, JOURNAL)):
        raise UsageError(
            f"{root}: a withdrawal was interrupted there; finish it with `duologue consent propagate {root}`"
        )
    state = read_state(root, ledger.snapshot(), now)
    require_continues_release(root, ledger, now=now)
    if state.refusals:
        first = state.refusals[0]
        raise UsageError(
            f"{root}: {len(state.refusals)} tracks may no longer be used (the first: speaker {first.side} of {first.recording_id}, "
            f"{first.reason}); take them out with `duologue consent propagate {root}`, and run the command again"
        )
    return state


def _prepared(
    state: ReleaseState, pinned: PinnedLedger, codec: str, out: str, name: str | None
) -> tuple[OtherTokens, ReleaseOptions]:
    """Opens the codec and resolves what the new release will say."""
    release = state.release
    spec = CodecSpec.parse(codec)
    opened = open_codec(spec)
    checked_at = release["consent"]["checked_at"] if "consent" in release else None
    coverage = None if checked_at is None else Coverage(pinned.snapshot, parse_time(checked_at))
    origin = {
        "name": release["name"],
        "version": release["version"],
        "sha256": state.sha256,
        "codec": release["codec"]["name"],
    }
    named = name or release["name"]
    decides = {
        "made_by": MADE_BY,
        "retokenized": origin,
        "codec": {**codec_document(opened), **spec.document},
        "ledger": dict(pinned.pin),
        "name": named,
    }
    options = ReleaseOptions(
        name=named,
        purpose=release["purposes"][0],
        codec={**release_codec_document(opened), **spec.document},
        segment_s=release["segment_s"],
        include_audio=True,
        report_audio=release.get("report_audio", "opus"),
        words=release["words"],
        isolation_policy=release["isolation_policy"],
        second_opinion=release.get("second_opinion"),
        asr=release.get("asr"),
        laughter=release.get("laughter"),
        rules=release["rules"],
        ledger=dict(pinned.pin),
        fingerprint=hashlib.sha256(canonical_json(decides)).hexdigest(),
        manifest_sha256=release["run"]["manifest_sha256"],
        stated=read_statement(state.root, release),
        checked_at=checked_at,
        retokenized=origin,
        withdrawn=release["totals"].get("withdrawn", 0),
    )

    def uses(row: Mapping[str, Any]) -> Sequence[str]:
        return () if coverage is None else sorted(coverage.of_row(row, release["purposes"], include_audio=True))

    silence = silence_tokens(opened)
    tokens = OtherTokens(
        release=release,
        codec=opened,
        device=spec.document.get("device", "cpu"),
        silence=silence,
        uses=uses,
        ledger_id=pinned.pin["ledger_id"],
        staging=join(out, STAGING),
    )
    return tokens, options


def _make(
    state: ReleaseState,
    pinned: PinnedLedger,
    tokens: OtherTokens,
    options: ReleaseOptions,
    out: str,
    lease: Lease,
    tell: Tell,
) -> Mapping[str, Any]:
    """Makes parts and shards, lays the release ready, and publishes it where the ledger allows it still."""
    root, release = state.root, state.release
    for shard in release["shards"]:  # before hours of encoding
        for recording in _recordings(root, release, shard):
            find_cuts(recording.index, release["codec"], tokens.codec)
    launch, as_of = uuid.uuid4().hex, datetime.now(UTC)
    prepare(out, options.fingerprint, launch=launch, snapshot=pinned.ledger.snapshot(), as_of=as_of, tell=tell)
    record_recipient(pinned.ledger, state, out)
    stage_log(pinned, out, launch=launch)
    written: list[WrittenShard] = []
    shards, total, done = Shards(root), release["totals"]["written"], 0
    try:
        for shard in release["shards"]:
            parts = []
            for recording in _recordings(root, release, shard):
                lease.check()
                parts.append(write_part(recording, shard, shards, tokens, still=lease.check))
                done += 1
                tell(f"{done} of {total} recordings have tokens of {tokens.codec.name}")
            lease.check()
            written.append(write_shard(shard_stem(shard["path"]), parts, out=out, launch=launch))
    finally:
        shards.close()
    lay_release_ready(written, _rejected(root, release), out=out, options=options, launch=launch)
    check = confirmation(out, pinned.ledger, lease, launch=launch, as_of=None)
    try:
        publish_release(out, launch=launch, check=check, held=lease.check, tell=tell)
    except WithdrawnMeanwhile as withdrawn:
        delete_directory(join(out, READY))
        raise UsageError(
            f"{out}: {withdrawn} since the work began, so nothing is published; run `duologue consent propagate {root} {out}`, "
            "then the command again"
        ) from None
    return read_release(out)


def _recordings(root: str, release: Mapping[str, Any], shard: Mapping[str, Any]) -> Iterator[StoredRecording]:
    """Reads the rows of a shard, recording by recording in the order of their names."""
    path = shard["path"]
    recordings = _rows(root, release, "recordings", path, lambda table: pc.equal(table["shard"], path))
    names = pa.array([row["recording_id"] for row in recordings], pa.string())
    index, events = defaultdict[str, list[dict[str, Any]]](list), defaultdict[str, list[dict[str, Any]]](list)
    for found, name in ((index, "index"), (events, "events")):
        for row in _rows(root, release, name, path, lambda table: pc.is_in(table["recording_id"], value_set=names)):
            found[row["recording_id"]].append(row)
    for row in sorted(recordings, key=lambda row: str(row["recording_id"])):
        own = sorted(index[row["recording_id"]], key=lambda each: int(each["segment"]))
        yield StoredRecording(row, own, events[row["recording_id"]])


def _rows(
    root: str, release: Mapping[str, Any], name: str, shard: str, which: Callable[[pa.Table], pa.ChunkedArray]
) -> list[dict[str, Any]]:
    """Reads rows of a table: those of a shard, whose file it is where each shard has one."""
    paths = table_paths(release, name)
    own = [path for path in paths if path == f"{name}/{shard_stem(shard)}.parquet"]
    tables = (parse_table(release_file(root, release, path)) for path in own or paths)
    return [row for table in tables for row in table.filter(which(table)).to_pylist()]


def _rejected(root: str, release: Mapping[str, Any]) -> Iterator[Rejected]:
    """Reads what the run refused: it stays refused."""
    for line in release_file(root, release, "rejected.jsonl").splitlines():
        row = parse_json(line)
        yield Rejected(row["recording_id"], row["stage"], row["reason"], "", row.get("values", {}))


def _check_beside(root: str, target: str, out: str) -> None:
    """Refuses a folder within the release or around it: whoever is taken out of one would stay in the folder of the other."""
    inner, outer = (
        uri.rstrip("/") + "/" if is_remote(uri) else f"{local_path(uri).resolve()}/" for uri in (target, root)
    )
    if inner.startswith(outer) or outer.startswith(inner):
        raise UsageError(f"--out {out}: lies in the release, or the release in it; name a folder beside it")
