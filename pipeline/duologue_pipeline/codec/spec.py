"""Reads what ``--codec`` names: a codec, where its model lies, and how it is run.

    mimi:models/mimi
    mimi:gs://bucket/models/mimi?device=cuda&batch=16
    lyra:models/lyra?codebooks=30

The text after the last question mark is a list of options, ``key=value`` joined by ``&``. Nothing is opened here, and
neither torch nor the codec is imported.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Self

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.names import is_remote

__all__ = ["ALL", "CODEC_NAMES", "CODEC_OPTIONS", "CodecSpec"]

ALL: Final = 0
"""In the place of a number of codebooks: as many as the model has."""

CODEC_NAMES: Final = ("embedded", "mimi", "encodec", "dac", "lyra")

CODEC_OPTIONS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "accelerator": (
            r"[a-z0-9][a-z0-9-]*",
            "the kind of GPU that Dataflow is asked for, such as nvidia-tesla-t4 or nvidia-l4",
        ),
        "batch": (r"[1-9]|[1-5]\d|6[0-4]", "1 to 64 recordings that are encoded together on a GPU"),
        "codebooks": (r"[1-9]|[12]\d|3[0-2]", "1 to 32, of which models of the Moshi kind use 8"),
        "device": (r"cpu|cuda(:\d)?|auto", "cpu, cuda, cuda:0 to cuda:9, or auto (a GPU where there is one)"),
        "dtype": (r"float32", "float32: indices computed in less are others (docs/codec.md)"),
        "sha256": (r"[0-9a-f]{64}", "what the weights must hash to, 64 characters of 0-9 and a-f"),
    }
)
"""The options of ``mimi``, which ``encodec`` and ``dac`` have too: what a value looks like, and what it says in words."""

_CODEBOOKS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "encodec": (r"[1-9]|[12]\d|3[0-2]", "1 to 32, of .75 kbit/s each in the published model of 24 kHz"),
        "dac": (r"[1-9]|[12]\d|3[0-2]", "1 to 32, and no more than the model has"),
        "lyra": (r"[1-9]|[1-3]\d|4[0-6]", "1 to 46, of 200 bit/s each: 16, 30 or 46 for 3.2, 6 or 9.2 kbit/s"),
    }
)
"""How many codebooks the other codecs may be told to use."""

_LYRA_OPTIONS: Final = ("codebooks", "sha256")

_FOUND_ALONE: Final = ("embedded", "mimi")

_USED: Final[Mapping[str, int]] = MappingProxyType({"embedded": 8, "mimi": 8, "encodec": 8, "dac": ALL, "lyra": 16})


@dataclass(frozen=True)
class CodecSpec:
    """Holds what ``--codec`` names.

    Attributes:
        name: of the codec, one of :data:`CODEC_NAMES`.
        model: a folder, a uri of one, or an id of the Hugging Face Hub; empty where the codec is to find it itself.
        accelerator: the kind of GPU to ask a cluster for.
        batch: how many recordings are encoded together.
        codebooks: how many codebooks are used; :data:`ALL` for as many as the model has.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``, as it was asked for.
        sha256: what the weights must hash to; None where anything will do.
    """

    name: str
    model: str = ""
    accelerator: str = "nvidia-tesla-t4"
    batch: int = 1
    codebooks: int = 8
    device: str = "cpu"
    sha256: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses ``NAME``, ``NAME:MODEL``, either of them with ``?key=value&…``.

        Raises:
            UsageError: there is no such codec or option, or an option has a value that it may not have.
        """
        named, mark, listed = text.rpartition("?")
        name, colon, model = (named if mark else text).partition(":")
        if name not in CODEC_NAMES or (colon and not model) or (name == "embedded" and colon):
            raise UsageError(
                f"unknown codec {text!r}; known are {', '.join(CODEC_NAMES[:-1])} and {CODEC_NAMES[-1]}. "
                "Give for example `--codec embedded`, `--codec mimi` or `--codec mimi:models/mimi`."
            )
        if name not in _FOUND_ALONE and not model:
            raise UsageError(
                f"--codec {text}: where is the model? Name its folder, as in `--codec {name}:models/{name}` (docs/codec.md)"
            )
        spec = cls(name, model, codebooks=_USED[name])
        if not mark:
            return spec
        if name == "embedded":
            raise UsageError(f"--codec {text}: embedded takes no options; give `--codec embedded`")
        given = _options(text, name, listed)
        numbers = {key: int(given.pop(key)) for key in ("batch", "codebooks") if key in given}
        given.pop("dtype", None)
        return replace(spec, **numbers, **given)  # type: ignore[arg-type]

    @property
    def is_local(self) -> bool:
        """Tells whether the model lies on a disk of this machine, where a machine elsewhere does not find it."""
        return self.name != "embedded" and not is_remote(self.model)  # a hub id too: it is read from the cache here

    @property
    def is_uri(self) -> bool:
        """Tells whether the model is fetched from an object store or a web server."""
        return is_remote(self.model)

    @property
    def wants_gpu(self) -> bool:
        """Tells whether a GPU was asked for; ``auto`` takes one and asks for none."""
        return self.device.startswith("cuda")

    @property
    def resource_hints(self) -> dict[str, str]:
        """Gives what a cluster is asked for on behalf of the step that encodes, as Beam's resource hints; empty on CPUs."""
        if not self.wants_gpu:
            return {}
        return {"accelerator": f"type:{self.accelerator};count:1;install-nvidia-driver", "min_ram": "12GB"}

    @property
    def document(self) -> dict[str, str]:
        """Gives what a release says of how its codes were computed: nothing where it was on CPUs, the reference."""
        return {} if self.device == "cpu" else {"device": self.device.partition(":")[0]}

    def on_cpu(self) -> Self:
        """Gives the same codec on the CPU, the reference: for what a launcher asks of it."""
        return replace(self, device="cpu")


def _options(text: str, name: str, listed: str) -> dict[str, str]:
    """Parses ``key=value&…`` and checks each."""
    known = _LYRA_OPTIONS if name == "lyra" else tuple(CODEC_OPTIONS)
    given: dict[str, str] = {}
    for item in listed.split("&"):
        key, _, value = item.partition("=")
        if key not in known:
            raise UsageError(f"--codec {text}: no option {key!r}; known are {', '.join(known)}")
        if key in given:
            raise UsageError(f"--codec {text}: {key} is given twice; give it once")
        pattern, words = _CODEBOOKS.get(name, CODEC_OPTIONS[key]) if key == "codebooks" else CODEC_OPTIONS[key]
        if not re.fullmatch(pattern, value):
            raise UsageError(f"--codec {text}: {key} is {value!r}; expected {words}")
        given[key] = value
    return given
