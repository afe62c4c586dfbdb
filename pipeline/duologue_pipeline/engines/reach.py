"""Finds what a run asks for that workers on other machines cannot reach: files of this disk above all."""

from collections.abc import Iterable
from importlib.metadata import version

from duologue_pipeline.codec.spec import CodecSpec
from duologue_pipeline.engines.options import Engine
from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.file_fault import FileFault
from duologue_pipeline.files.names import check_name, is_remote, scheme, shown
from duologue_pipeline.files.sealed import holds_secret
from duologue_pipeline.files.web_address import names_this_machine
from duologue_pipeline.records import Recording, Rejected

__all__ = ["require_reachable"]


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

    Ledger and manifest may lie here: only the launcher reads them.

    Args:
        engine: the runner; nothing is asked where its workers are on this machine.
        manifest: uri, for messages.
        out: uri.
        codec: as for ``--codec``.
        models: (option, what it names) of the other models, None where none is named.
        recordings: what the manifest holds, with absolute uris; it is gone through once.

    Raises:
        UsageError: something lies here; the message says what, and where it has to go.
    """
    if not engine.elsewhere:
        return
    who = f"the workers of {engine.name} are on other machines"
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
    if spec.name == "mimi" and not spec.model and engine.image is None:
        raise UsageError(f"--codec mimi: {who}, and have no cache of models; {_bring('mimi:')}")
    _check_model(engine, "--codec", spec.model, who, prefix="mimi:")
    if spec.wants_gpu and engine.containers and engine.image is None and _torch().endswith("+cpu"):
        raise UsageError(
            f"--codec {codec}: the workers would get the versions of this machine, whose torch ({_torch()}) knows no GPU; name an "
            "image with CUDA with --sdk_container_image (docs/dataflow.md), or leave out device="
        )
    for option, pinned in models:
        _check_model(engine, option, (pinned or "").partition("@")[0], who)
    _check_recordings(manifest, recordings, who)


def _torch() -> str:
    return version("torch")


def _check_recordings(manifest: str, recordings: Iterable[Recording | Rejected], who: str) -> None:
    first, count = ("", ""), 0
    for recording in recordings:
        for uri in _uris(recording) if isinstance(recording, Recording) else ():
            if holds_secret(uri):
                raise UsageError(
                    f"{manifest}: {recording.recording_id} names {shown(uri)} with a signature or a password: {who}, and are not "
                    "told any; copy the file to a store that they may read"
                )
            if not _is_there(uri):
                count += 1
                first = (str(recording.recording_id), uri) if count == 1 else first
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
    return (
        f"name a folder of a store ({prefix}gs://BUCKET/FOLDER), or an image that holds the model with --sdk_container_image "
        "(docs/dataflow.md)"
    )


def _uris(recording: Recording) -> list[str]:
    return [uri for track in recording.tracks for uri in (track.uri, track.words_uri) if uri is not None]


def _is_there(uri: str) -> bool:
    try:
        check_name(uri)
    except FileFault:
        return scheme(uri) != "file"  # no address at all: refused by itself, on any runner
    return is_remote(uri) and not names_this_machine(uri)
