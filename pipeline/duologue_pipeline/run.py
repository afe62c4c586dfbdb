"""One run: checks everything that can be checked before work begins, runs the pipeline, and gives what it wrote."""

import hashlib
import json
import logging
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Any, Self

from duologue_consent import Ledger, LedgerError, Purpose, Snapshot
from duologue_consent.ledger.publication import publish_log
from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import (
    absolute_uri,
    delete_directory,
    exists,
    is_remote,
    join,
    list_entries,
    local_path,
    read_bytes,
    write_bytes,
)
from duologue_pipeline.isolation.policy import ISOLATION_POLICIES
from duologue_pipeline.isolation.second_opinion import SecondOpinion
from duologue_pipeline.read.manifest import manifest_sha256, parse_line, read_lines
from duologue_pipeline.reader.dataset import read_release
from duologue_pipeline.records import Recording
from duologue_pipeline.release.write import STAGED_LOG, STAGING, ReleaseOptions
from duologue_pipeline.rules.versions import rule_versions
from duologue_pipeline.tokens.encode import PARTS, TokenizeOptions
from duologue_pipeline.tokens.samples import (
    MADE_BY,
    canonical_json,
    codec_document,
    release_codec_document,
)
from duologue_pipeline.words.asr import AsrModel
from duologue_pipeline.words.files import WORDS_POLICIES
from duologue_schemas import load_schema

__all__ = ["RunRequest", "RunResult", "run"]


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What the user asks for; the defaults are the CLI's.

    Attributes:
        manifest, out: where the recordings are listed and where the release goes.
        ledger: path or PostgreSQL URL of the consent ledger; None or a missing file lets nothing pass.
        purpose: what the release is for.
        codec: ``embedded``, ``mimi`` or ``mimi:PATH``.
        segment_s: length of a sample.
        include_audio: whether samples carry FLAC.
        words: a key of :data:`duologue_pipeline.words.files.WORDS_POLICIES`.
        isolation_policy: a key of :data:`duologue_pipeline.isolation.policy.ISOLATION_POLICIES`.
        pyannote_segmentation, pyannote_embedding: checkpoints for a second opinion, as ``PATH_OR_HUB_ID@SHA256``.
        asr: a speech recogniser for tracks without a transcript, a path or hub id.
        allow_network: whether these may be downloaded.
        name: of the dataset.
        validation_share: share of the time for the validation split.
        shard_hours: conversation time in a shard.
        as_of: the moment at which consent must be live; now if None.
        beam_args: options passed to Beam.
    """

    manifest: str
    out: str
    ledger: str | None = None
    purpose: str = "training_inhouse"
    codec: str = "embedded"
    segment_s: float = 120.0
    include_audio: bool = False
    words: str = "optional"
    isolation_policy: str = "refuse-fail"
    pyannote_segmentation: str | None = None
    pyannote_embedding: str | None = None
    asr: str | None = None
    allow_network: bool = False
    name: str = "duologue-dataset"
    validation_share: float = 0.05
    shard_hours: float = 10.0
    as_of: datetime | None = None
    beam_args: Sequence[str] = field(default_factory=tuple)


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Attributes:
        out: the output folder.
        release: the document of ``dataset.json``, None where nothing could be written.
        refused: reason -> how many, from ``rejected.jsonl``.
        was_complete: whether the folder already held this very release.
    """

    out: str
    release: dict[str, Any] | None
    refused: dict[str, int]
    was_complete: bool


def run(request: RunRequest, *, progress: IO[str] | None = None) -> RunResult:
    """Runs the pipeline, unless the output already holds the release that it would write.

    Args:
        request: what to do.
        progress: where lines of progress go; none if None.

    Raises:
        UsageError: the request cannot be carried out; nothing has been written.
    """
    _check(request)
    manifest, out = absolute_uri(request.manifest), absolute_uri(request.out)
    lines = list(read_lines(manifest))
    recordings = _count_recordings(lines, manifest)
    ledger = _open_ledger(request.ledger)
    second_opinion = SecondOpinion.of(
        request.pyannote_segmentation, request.pyannote_embedding, allow_network=request.allow_network
    )
    asr = AsrModel(request.asr, request.allow_network) if request.asr else None
    release = _release_options(request, manifest, lines, ledger, second_opinion, asr)
    if _is_complete(out, release.fingerprint):
        return RunResult(out, read_release(out), _refused(out), was_complete=True)
    if request.beam_args:  # a mistake in them is answered before anything is written
        from duologue_pipeline.stages.local_runner import beam_options

        beam_options(request.beam_args)
    _prepare(out, release.fingerprint)
    if ledger is not None:
        _stage_log(ledger, out)

    # Imported here, so that mistakes are answered before the seconds that loading Beam and torch takes.
    import apache_beam as beam

    from duologue_pipeline.pipeline import RunOptions, build_pipeline
    from duologue_pipeline.stages.local_runner import beam_options, local_runner

    options = RunOptions(
        manifest=manifest,
        out=out,
        snapshot=None if ledger is None else ledger.snapshot,
        ledger_name=(request.ledger or "(none given)") if ledger is None else ledger.ledger.name,
        as_of=request.as_of or datetime.now(UTC),
        codec=request.codec,
        second_opinion=second_opinion,
        asr=asr,
        tokenize=TokenizeOptions(segment_s=request.segment_s, include_audio=request.include_audio),
        validation_share=request.validation_share,
        shard_s=request.shard_hours * 3600,
        release=release,
    )
    pipeline_options = beam_options(request.beam_args)
    runner = local_runner(pipeline_options)
    with (
        _Progress(recordings, join(out, STAGING, PARTS), progress),
        beam.Pipeline(runner=runner, options=pipeline_options) as pipeline,
    ):
        build_pipeline(pipeline, options)
    written = read_release(out) if exists(join(out, "dataset.json")) else None
    return RunResult(out, written, _refused(out), was_complete=False)


def _check(request: RunRequest) -> None:
    if request.purpose not in list(Purpose):
        raise UsageError(f"--purpose {request.purpose}: no such purpose; expected one of {', '.join(Purpose)}")
    if request.words not in WORDS_POLICIES:
        raise UsageError(f"--words {request.words}: expected one of {', '.join(WORDS_POLICIES)}")
    if request.isolation_policy not in ISOLATION_POLICIES:
        raise UsageError(
            f"--isolation-policy {request.isolation_policy}: expected one of {', '.join(ISOLATION_POLICIES)}"
        )
    if not 1 <= request.segment_s <= 3600:
        raise UsageError(f"--segment-s {request.segment_s:g}: expected 1 to 3600 seconds")
    if not 0 <= request.validation_share < 1:
        raise UsageError(f"--validation-share {request.validation_share:g}: expected 0 to below 1")
    if not 0 < request.shard_hours < math.inf:
        raise UsageError(f"--shard-hours {request.shard_hours:g}: expected more than 0")
    name_rule = load_schema("release")["properties"]["name"]
    if not re.fullmatch(name_rule["pattern"], request.name):
        raise UsageError(f"--name {request.name}: expected {name_rule['x-expected']}")


def _count_recordings(lines: Sequence[bytes], manifest: str) -> int:
    """Counts the usable lines of a manifest; one that has none is refused as a whole."""
    recordings = sum(isinstance(parse_line(line, manifest_uri=manifest), Recording) for line in lines)
    if not recordings:
        found = f"none of its {len(lines)} lines is a recording" if lines else "it has no lines"
        raise UsageError(f"{manifest}: not a usable manifest: {found}; `duologue validate {manifest}` lists the faults")
    return recordings


@dataclass(frozen=True)
class _PinnedLedger:
    """The ledger that a run asks: signed, and as it was at the checkpoint that the release will name."""

    ledger: Ledger
    snapshot: Snapshot
    pin: Mapping[str, Any]


def _open_ledger(name: str | None) -> _PinnedLedger | None:
    """Opens and signs the ledger; None where there is no such file. A database that is named has to be there."""
    if name is None or ("://" not in name and not local_path(name).exists()):
        return None
    try:
        ledger = Ledger.open(name if "://" in name else local_path(name))
        pin = ledger.release_pin()
        return _PinnedLedger(ledger, ledger.snapshot(pin["events"]), pin)
    except LedgerError as error:
        raise UsageError(str(error)) from None


def _stage_log(ledger: _PinnedLedger, out: str) -> None:
    publish_log(
        ledger.ledger,
        lambda name, content: write_bytes(join(out, STAGED_LOG, name), content),
        checkpoint=ledger.pin["checkpoint"].encode(),
    )


def _release_options(
    request: RunRequest,
    manifest: str,
    lines: Sequence[bytes],
    ledger: _PinnedLedger | None,
    second_opinion: SecondOpinion | None,
    asr: AsrModel | None,
) -> ReleaseOptions:
    codec = open_codec(request.codec)
    manifest_hash = manifest_sha256(lines)
    pin = dict.fromkeys(("ledger_id", "events", "checkpoint")) if ledger is None else dict(ledger.pin)
    decides = {
        "made_by": MADE_BY,
        "manifest_sha256": manifest_hash,
        "ledger": pin,
        "purpose": request.purpose,
        "codec": codec_document(codec),
        "segment_s": request.segment_s,
        "include_audio": request.include_audio,
        "words": request.words,
        "isolation_policy": request.isolation_policy,
        "second_opinion": second_opinion.document() if second_opinion else None,
        "asr": asr.document() if asr else None,
        "name": request.name,
        "validation_share": request.validation_share,
        "shard_hours": request.shard_hours,
        "rules": rule_versions(),
    }
    return ReleaseOptions(
        name=request.name,
        purpose=request.purpose,
        codec=release_codec_document(codec),
        segment_s=request.segment_s,
        include_audio=request.include_audio,
        words=request.words,
        isolation_policy=request.isolation_policy,
        second_opinion=second_opinion.document() if second_opinion else None,
        asr=asr.document() if asr else None,
        rules=rule_versions(),
        ledger=pin,
        fingerprint=hashlib.sha256(canonical_json(decides)).hexdigest(),
        manifest_sha256=manifest_hash,
        manifest_folder=manifest.rpartition("/")[0] + "/",
    )


def _is_complete(out: str, fingerprint: str) -> bool:
    """Whether the folder holds the release of this very run.

    Raises:
        UsageError: it holds another release, or files of somebody else.
    """
    if not is_remote(out) and local_path(out).is_file():
        raise UsageError(f"{out}: is a file; --out names a folder")
    if exists(join(out, "dataset.json")):
        release = read_release(out)
        if release["run"]["fingerprint"] == fingerprint:
            delete_directory(join(out, STAGING))
            return True
        raise UsageError(
            f"{out}: already holds the release {release['name']} {release['version']} of another run (other manifest, "
            "ledger state or options); a release is never written over: choose another --out"
        )
    names = [name for name in list_entries(out) if name not in (STAGING, "rejected.jsonl")]
    if names and not exists(join(out, STAGING)):
        raise UsageError(f"{out}: holds files that are not of duologue ({names[0]}, ...); choose another --out")
    return False


def _prepare(out: str, fingerprint: str) -> None:
    """Begins the work in the output folder: shows that it can be written, and marks it as ours."""
    try:
        write_bytes(join(out, STAGING, "run.json"), canonical_json({"fingerprint": fingerprint}))
    except OSError as error:
        raise UsageError(f"{out}: cannot be written ({error}); choose another --out or correct its rights") from None


def _refused(out: str) -> dict[str, int]:
    lines = read_bytes(join(out, "rejected.jsonl")).splitlines()
    return dict(sorted(Counter(json.loads(line)["reason"] for line in lines).items()))


class _Progress(logging.Handler):
    """Writes a line when something has been done, at most one a second, and one at the end.

    What the stages log is counted; what worker processes do is seen from the parts in the staging folder.
    """

    _INTERVAL_S = 1.0

    def __init__(self, recordings: int, parts_uri: str, stream: IO[str] | None) -> None:
        super().__init__(logging.INFO)
        self._recordings = recordings
        self._parts_uri = parts_uri
        self._stream = stream
        self._counts: Counter[str] = Counter()
        self._began = time.monotonic()
        self._line = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Counts a record by its first word: analysed, tokenized, refused."""
        self._counts[record.getMessage().partition(" ")[0]] += 1

    def _watch(self) -> None:
        while not self._ended.wait(self._INTERVAL_S):
            parts = sum(name.endswith(".rows.json") for name in list_entries(self._parts_uri))
            self._counts["tokenized"] = max(self._counts["tokenized"], parts)
            self._write()

    def _write(self) -> None:
        refused = f", refused {self._counts['refused']}" if self._counts["refused"] else ""
        analysed = max(self._counts["analysed"], self._counts["tokenized"])
        line = (
            f"analysed {analysed}/{self._recordings}, tokenized {self._counts['tokenized']}/{self._recordings}{refused}"
        )
        if self._stream is not None and line != self._line:
            print(f"[{time.monotonic() - self._began:6.1f} s] {line}", file=self._stream, flush=True)
        self._line = line

    def __enter__(self) -> Self:
        self._logger = logging.getLogger("duologue.progress")
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(self)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._logger.removeHandler(self)
        self._write()
