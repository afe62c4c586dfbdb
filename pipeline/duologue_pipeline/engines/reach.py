"""Finds what a run asks for that workers on other machines cannot reach: files of this disk above all."""

import socket
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final

from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.engines.options import Engine
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import check_name, is_remote, scheme, shown
from duologue_pipeline.files.sealed import holds_secret
from duologue_pipeline.files.web_address import names_this_machine
from duologue_pipeline.records import Recording, Rejected

__all__ = ["require_reachable"]

_ANSWER_S: Final = 5.0


def require_reachable(
    engine: Engine,
    *,
    manifest: str,
    out: str,
    codec: str,
    models: Iterable[tuple[str, str | None]],
    recordings: Iterable[Recording | Rejected],
) -> None:
    """Refuses a run whose workers are elsewhere, where what they need lies here.

    Ledger and manifest may lie here: only the launcher reads them. Addresses with a secret are for workers only that this process
    starts: they alone have the key to them.

    Args:
        engine: the runner; of workers that this process starts nothing is asked.
        manifest: uri, for messages.
        out: uri.
        codec: as for ``--codec``.
        models: (option, what it names) of the other models, None where none is named.
        recordings: what the manifest holds, with absolute uris; it is gone through once.

    Raises:
        UsageError: something lies here; the message says what, and where it has to go.
    """
    who = f"the workers of {engine.name} are on other machines"
    if not engine.elsewhere:
        if engine.inherits:
            return
        if engine.pool is None or _answers(engine.pool):
            _check_secrets(manifest, recordings, f"the workers of {engine.name} were not started by this process")
            return
        who = (
            f"no pool of workers answers at {engine.pool} from here, so they are taken to be in a container or on another machine "
            "(docs/runners.md)"
        )
    if not is_remote(out):
        raise UsageError(
            f"--out {out}: {who}, and cannot write to this disk; name a folder of a store, as gs://BUCKET/FOLDER"
        )
    if engine.is_dataflow and scheme(out) == "s3" and engine.image is None:
        raise UsageError(
            f"--out {out}: {who}, of Google's, and have no credentials for S3; name a folder of gs://, or an image whose "
            "environment has some with --sdk_container_image"
        )
    spec = CodecSpec.parse(codec)
    named = [
        ("--codec", spec.model, f"{spec.name}:"),
        *((option, (pinned or "").partition("@")[0], "") for option, pinned in models),
    ]
    if engine.is_dataflow and engine.image is None:
        for option, model, prefix in named:
            if model and scheme(model) == "s3":
                raise UsageError(f"{option} {prefix}{model}: {_no_s3(who)}")
    if spec.name == "mimi" and not spec.model and engine.image is None:
        raise UsageError(f"--codec mimi: {who}, and have no cache of models; {_bring('mimi:')}")
    for option, model, prefix in named:
        _check_model(engine, option, model, who, prefix=prefix)
    if spec.wants_gpu and engine.containers and engine.image is None and _torch().endswith("+cpu"):
        raise UsageError(
            f"--codec {codec}: the workers would get the versions of this machine, whose torch ({_torch()}) knows no GPU; name an "
            "image with CUDA with --sdk_container_image (docs/dataflow.md), or leave out device="
        )
    _check_recordings(manifest, recordings, who, s3=not engine.is_dataflow or engine.image is not None)


def _torch() -> str:
    return version("torch")


def _answers(address: str) -> bool:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_S).close()
    except (OSError, ValueError):
        return False
    return True


def _check_secrets(manifest: str, recordings: Iterable[Recording | Rejected], who: str) -> None:
    for recording in recordings:
        for uri in _uris(recording) if isinstance(recording, Recording) else ():
            _check_secret(manifest, recording, uri, who)


def _check_secret(manifest: str, recording: Recording | Rejected, uri: str, who: str) -> None:
    if holds_secret(uri):
        raise UsageError(
            f"{manifest}: {recording.recording_id} names {shown(uri)} with a signature or a password: {who}, and are not "
            "told any; copy the file to a store that they may read"
        )


def _no_s3(who: str) -> str:
    return (
        f"{who}, of Google's, and have no credentials for S3; copy it to gs:// (`gcloud storage cp -r s3://BUCKET/FOLDER "
        "gs://BUCKET/`), or name an image whose environment has some with --sdk_container_image; what is public is read by its "
        "https:// address"
    )


def _check_recordings(manifest: str, recordings: Iterable[Recording | Rejected], who: str, *, s3: bool) -> None:
    first, count, first_s3, of_s3 = ("", ""), 0, ("", ""), 0
    for recording in recordings:
        for uri in _uris(recording) if isinstance(recording, Recording) else ():
            _check_secret(manifest, recording, uri, who)
            if not _is_there(uri):
                count += 1
                first = (str(recording.recording_id), uri) if count == 1 else first
            elif not s3 and scheme(uri) == "s3":
                of_s3 += 1
                first_s3 = (str(recording.recording_id), uri) if of_s3 == 1 else first_s3
    if of_s3:
        more = f" (and {of_s3 - 1} more such names)" if of_s3 > 1 else ""
        raise UsageError(f"{manifest}: {first_s3[0]} names {shown(first_s3[1])}{more}: {_no_s3(who)}")
    if count:
        more = f" (and {count - 1} more such names)" if count > 1 else ""
        raise UsageError(
            f"{manifest}: {first[0]} names {shown(first[1])}{more}: {who}, and cannot read it; copy the audio and the words to a "
            "store (`gcloud storage cp -r FOLDER gs://BUCKET/`), and the manifest beside them, or write gs://, s3:// or https:// "
            "addresses in it"
        )


def _check_model(engine: Engine, option: str, model: str, who: str, *, prefix: str = "") -> None:
    if not model or is_remote(model) or engine.image is not None:
        return  # an image has a disk of its own: what lies there only the user knows
    raise UsageError(f"{option} {prefix}{model}: {who}, and cannot read this disk; {_bring(prefix)}")


def _bring(prefix: str) -> str:
    """Says how workers elsewhere get a model; only a codec is fetched from stores, and has a prefix."""
    image = "an image that holds the model with --sdk_container_image (docs/dataflow.md)"
    return f"name a folder of a store ({prefix}gs://BUCKET/FOLDER), or {image}" if prefix else f"name {image}"


def _uris(recording: Recording) -> list[str]:
    return [uri for track in recording.tracks for uri in (track.uri, track.words_uri) if uri is not None]


def _is_there(uri: str) -> bool:
    try:
        check_name(uri)
    except FileFault:
        return scheme(uri) != "file"  # no address at all: refused by itself, on any runner
    return is_remote(uri) and not names_this_machine(uri)
