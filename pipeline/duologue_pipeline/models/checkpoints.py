"""Loads checkpoints of pyannote.audio, only if they are the very bytes that the user has named.

They are pickles, and what is unpickled can run anything. So a checkpoint comes with its hash, and what is loaded are
the bytes that were hashed, from memory. Nothing is downloaded unless that is allowed.
"""

import hashlib
import re
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final, Self

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import local_path
from duologue_pipeline.models.torchaudio_cpu import import_pyannote_audio

__all__ = ["Checkpoint"]

_FILE: Final = "pytorch_model.bin"
_HUB_ID: Final = re.compile(r"[\w.-]+/[\w.-]+")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Checkpoint:
    """Names a checkpoint and pins its hash.

    Attributes:
        option: of the command line that names it; for messages.
        source: a file, a folder that holds ``pytorch_model.bin``, or an id of the Hugging Face Hub.
        sha256: what the file must hash to.
        allow_network: whether it may be downloaded.
    """

    option: str
    source: str
    sha256: str
    allow_network: bool = False

    @classmethod
    def parse(cls, option: str, value: str, *, allow_network: bool) -> Self:
        """Parses ``PATH_OR_HUB_ID@SHA256``.

        Raises:
            UsageError: the hash is missing; the message has the command that computes it.
        """
        source, _, pinned = value.rpartition("@")
        sha256 = pinned.lower().removeprefix("sha256:")
        if source and _SHA256.fullmatch(sha256):
            return cls(option, source, sha256, allow_network)
        if _is_on_hub(value):
            compute = f"`sha256sum $(hf download {value} {_FILE})`"
        else:
            compute = f"`sha256sum {value if not local_path(value).is_dir() else f'{value}/{_FILE}'}`"
        raise UsageError(
            f"{option} {value}: not loaded, because a checkpoint is a pickle, which can run anything on this machine; "
            f"if you trust it, pin its hash as {value}@SHA256 ({compute} computes it)"
        )

    def read(self) -> bytes:
        """Reads the bytes of the checkpoint and checks their hash.

        Raises:
            UsageError: it cannot be found, read or downloaded, or its hash is another.
        """
        path = local_path(self._downloaded() if _is_on_hub(self.source) else self.source)
        if path.is_dir():
            path /= _FILE
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UsageError(
                f"{self.option} {self.source}: cannot be read ({error.strerror or error}); expected a file, a folder "
                f"with {_FILE}, or an id of the Hugging Face Hub such as owner/name"
            ) from None
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise UsageError(
                f"{self.option} {self.source}: not loaded, because its SHA-256 is {found} and {self.sha256} was "
                "pinned; get the file that you trust, or pin what `sha256sum` computes if you trust this one"
            )
        return data

    def _downloaded(self) -> str:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return str(hf_hub_download(self.source, _FILE, local_files_only=not self.allow_network))
        except LocalEntryNotFoundError:
            reason = "cannot be reached" if self.allow_network else "is not asked without --allow-network"
            raise UsageError(
                f"{self.option} {self.source}: no such file here, nothing in the cache of the Hugging Face Hub, and "
                f"the Hub {reason}; `hf download {self.source} {_FILE}` fetches it"
            ) from None
        except (OSError, ValueError) as error:
            told = str(error).strip().splitlines()[0]
            raise UsageError(f"{self.option} {self.source}: the Hugging Face Hub does not give it ({told})") from None

    def load(self) -> Any:
        """Loads the model, a ``pyannote.audio.Model`` ready for inference on one thread.

        Raises:
            UsageError: as :meth:`read`, or it is not a checkpoint of pyannote.audio.
        """
        data = self.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchcodec, which would decode files, is not needed
            pyannote_audio: Any = import_pyannote_audio()
            import torch

            torch.set_num_threads(1)
            try:
                parameters = torch.load(BytesIO(data), map_location="cpu", weights_only=False).get(
                    "hyper_parameters", {}
                )
                if isinstance(parameters.get("wav2vec"), str) and not self.allow_network:
                    raise UsageError(
                        f"{self.option} {self.source}: is built on {parameters['wav2vec']}, which would be downloaded; "
                        "allow that with --allow-network, or choose another checkpoint"
                    )
                model = pyannote_audio.Model.from_pretrained(BytesIO(data))
            except UsageError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever unpickling or building a model can raise
                told = (str(error).strip() or type(error).__name__).splitlines()[0]
                raise UsageError(
                    f"{self.option} {self.source}: not a checkpoint that pyannote.audio can load ({told})"
                ) from None
        return model.eval()


def _is_on_hub(source: str) -> bool:
    return not local_path(source).exists() and _HUB_ID.fullmatch(source) is not None
