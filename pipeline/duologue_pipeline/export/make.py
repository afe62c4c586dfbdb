"""Makes an export, or brings one up to date: goes through a release shard by shard and keeps what is right already."""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.export.document import build_document
from duologue_pipeline.export.folder import FINISH, REQUEST, Folder, Record
from duologue_pipeline.export.format import Context
from duologue_pipeline.export.held_out import check_held_out
from duologue_pipeline.export.part import ChangedError, PartPlan, write_part
from duologue_pipeline.export.registry import find_format, is_held_out
from duologue_pipeline.export.request import ExportRequest, check_forms, check_needs, open_tokenizer, part_id
from duologue_pipeline.files.faults import storage_faults
from duologue_pipeline.files.storage import absolute_uri, is_remote, local_path
from duologue_pipeline.reader.dataset import Dataset, open_dataset
from duologue_pipeline.reader.index import shard_stem
from duologue_pipeline.reader.release import parse_release, read_manifest
from duologue_pipeline.records import SPLITS

__all__ = ["Outcome", "Progress", "Version", "make_export", "plan_version"]

_LOOKS: Final = 8
"""So often an export is begun anew because the release changed under it."""

Progress = Callable[[int, int, float], None]
"""Is told how many samples are done, of how many, and how many hours they are."""


@dataclass(frozen=True)
class Outcome:
    """Says what was done.

    Attributes:
        document: ``export.json``.
        written: parts that were written now.
        kept: parts that were right already.
        removed: parts that were removed, or written anew.
        changed: whether a byte of the folder changed.
    """

    document: dict[str, Any]
    written: int
    kept: int
    removed: int
    changed: bool


@dataclass(frozen=True)
class Version:
    """Holds what one version of the release makes of an export.

    Attributes:
        release: the document of ``dataset.json``.
        sha256: of that file.
        plans: the parts.
        not_read: reason -> samples of the splits that are not read.
    """

    release: dict[str, Any]
    sha256: str
    plans: list[PartPlan]
    not_read: dict[str, int]

    def made_of(self) -> tuple[str, list[str]]:
        """Gives what decides every byte: the version, and the parts."""
        return self.sha256, [plan.id for plan in self.plans]


def make_export(
    uri: str,
    out: str,
    request: ExportRequest,
    *,
    progress: Progress = lambda done, total, hours: None,
    before_writing: Callable[[dict[str, Any], str], None] = lambda release, sha256: None,
) -> Outcome:
    """Exports a release. What a killed process has left is finished; what is there of another version is brought up to date.

    Args:
        uri: the folder of the release.
        out: a local folder.
        request: what is exported how.
        progress: is told how far it is.
        before_writing: is given ``dataset.json`` and its SHA-256 before anything of that version is written; also where all is
            there already.

    Raises:
        UsageError: it cannot be done; what was there of another export, or of anybody else, is as it was.
    """
    folder = Folder(out)
    _check_apart(uri, folder)
    tokenizer, tokenizer_sha256 = open_tokenizer(request)
    told = request.told(tokenizer_sha256)
    first = plan_version(uri, request, told)
    with folder.held():
        folder.check_own()
        _check_same(folder, told)
        if not first.plans and not folder.names():  # else all that is there was withdrawn, and has to go
            raise UsageError(
                f"{uri}: no sample of {', '.join(request.splits)} is to be exported for {request.purpose}; "
                "choose another --split, or other conditions"
            )
        for _ in range(_LOOKS):
            try:
                return _make(uri, folder, request, told, tokenizer, first, progress, before_writing)
            except ChangedError:
                first = plan_version(uri, request, told)
    raise UsageError(f"{uri}: changes again and again while it is exported; export it when nobody works on it")


def _make(
    uri: str,
    folder: Folder,
    request: ExportRequest,
    told: dict[str, Any],
    tokenizer: Any,
    version: Version,
    progress: Progress,
    before_writing: Callable[[dict[str, Any], str], None],
) -> Outcome:
    wanted = {plan.name: plan for plan in version.plans}
    right = {name for name in folder.names() if name in wanted and _is_right(folder, name, wanted[name].id)}
    document = folder.document()
    finished = folder.record(FINISH)
    is_current = (
        document is not None
        and finished is not None
        and folder.is_whole(finished, version.sha256)
        and document["release"]["sha256"] == version.sha256
        and set(folder.names()) == right == set(wanted)
    )
    before_writing(version.release, version.sha256)
    if is_current and document is not None:
        return Outcome(document, 0, len(right), 0, changed=False)
    folder.drop_document()
    folder.write(REQUEST, _kept_request(uri, request, told))
    folder.remove(FINISH)
    stale = [name for name in folder.names() if name not in right]
    for name in stale:  # before anything new is written: what was withdrawn goes first
        folder.remove(name)
    made, context = find_format(request.format), request.context(version.release, tokenizer)
    total = sum(len(plan.shard.keys) for plan in version.plans)
    done, milliseconds = 0, 0
    for name, plan in sorted(wanted.items()):
        record = folder.record(name) if name in right else None
        if record is None:
            with folder.new(name) as written, storage_faults(folder.root, within=True):
                record = folder.install(name, written, write_part(made, plan, written, context))
        done, milliseconds = done + len(plan.shard.keys), milliseconds + record.content["duration_ms"]
        progress(done, total, milliseconds / 3_600_000)
    _finish(folder, request, context, version)
    if plan_version(uri, request, told).made_of() != version.made_of():
        raise ChangedError  # withdrawn meanwhile, or another version is there
    document = _document(folder, told, version)
    folder.write_document(document)
    return Outcome(document, len(wanted) - len(right), len(right), len(stale), changed=True)


def _finish(folder: Folder, request: ExportRequest, context: Context, version: Version) -> None:
    made = find_format(request.format)
    with folder.new(FINISH) as written, storage_faults(folder.root, within=True):
        made.finish(written, _Records(folder), context)
        folder.install(FINISH, written, {"id": version.sha256})


class _Records:
    """Gives the records of the parts, as often as they are asked for, with one in memory."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def __iter__(self) -> Any:
        return self._folder.records()


def _document(folder: Folder, told: dict[str, Any], version: Version) -> dict[str, Any]:
    finish = folder.record(FINISH)
    own: list[Record] = [] if finish is None else [finish]
    return build_document(told, version.release, version.sha256, chain(folder.records(), own), version.not_read)


def plan_version(uri: str, request: ExportRequest, told: dict[str, Any]) -> Version:
    """Plans the parts of the version of the release that is there.

    Args:
        uri: the folder of the release.
        request: what is exported.
        told: what of it decides the bytes.

    Raises:
        UsageError: the release cannot be read, is not for the purpose, or lacks what the format needs.
    """
    root = absolute_uri(uri)
    data = read_manifest(root)
    release = parse_release(data, root)
    made = find_format(request.format)
    check_forms(release, made.name, made.forms(request.context(release, None)), request.purpose, uri)
    check_needs(release, made, uri)
    if is_held_out(made.name):
        check_held_out(uri, release, made.name)
    plans: list[PartPlan] = []
    not_read = Counter[str]()
    for split in SPLITS:
        if split in request.splits:
            dataset = open_dataset(uri, split, request.purpose, where=request.where)
            if dataset.release != release:
                return plan_version(uri, request, told)
            not_read.update(_not_read(uri, dataset, request))
            plans += [
                PartPlan(
                    shard_stem(shard.entry["path"]), dataset, shard, part_id(told, shard.entry["sha256"], shard.keys)
                )
                for shard in dataset.shards()
            ]
    return Version(release, hashlib.sha256(data).hexdigest(), plans, {k: v for k, v in not_read.items() if v})


def _not_read(uri: str, dataset: Dataset, request: ExportRequest) -> dict[str, int]:
    held, chosen = dataset.counts()
    of_purpose = open_dataset(uri, dataset.split, request.purpose).counts()[1] if request.where else chosen
    given = sum(len(shard.keys) for shard in dataset.shards())
    return {"other_purpose": held - of_purpose, "not_chosen": of_purpose - chosen, "revoked": chosen - given}


def _is_right(folder: Folder, name: str, wanted_id: str) -> bool:
    record = folder.record(name)
    return record is not None and folder.is_whole(record, wanted_id)


def _check_same(folder: Folder, told: dict[str, Any]) -> None:
    """Checks that the folder is new, or holds this very export."""
    there = folder.request()
    if there is None or not (folder.names() or folder.document()):
        return  # nothing was written yet: a first try with a request that could not be carried out binds nobody
    before = there.get("told", {})
    for field, value in told.items():
        found = before.get(field)
        if field == "options":  # one that a newer version brought has its default in what was asked for
            found = {**value, **found}
        if field != "format_version" and found != value:
            raise UsageError(
                f"--out {folder.root}: holds an export with {field} {found!r}, and {value!r} is asked for; "
                "choose another folder, or bring that one up to date with `duologue export refresh`"
            )


def _check_apart(uri: str, folder: Folder) -> None:
    """Refuses to export into a release, and to export what lies in the export."""
    if is_remote(uri):
        return
    release, out = local_path(absolute_uri(uri)).resolve(), folder.root.resolve()
    if out == release or out.is_relative_to(release) or release.is_relative_to(out):
        raise UsageError(f"--out {folder.root}: lies in the release, or the release in it; choose a folder beside it")


def _kept_request(uri: str, request: ExportRequest, told: dict[str, Any]) -> dict[str, Any]:
    """Says what is exported, for a refresh. A public export says no place: it may be a person's folder."""
    places = {} if request.public else {"dataset": absolute_uri(uri), "tokenizer": request.tokenizer}
    return {"told": told, **places}
