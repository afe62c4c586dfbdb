"""Runs YAMNet (https://github.com/tensorflow/models, ``research/audioset/yamnet``) from a TensorFlow Lite file.

It is a MobileNet that was trained on AudioSet (Gemmeke et al. 2017, ICASSP) and gives 521 sounds a score each, from windows of
.975 s. Six of the sounds are kinds of laughter. Its weights are Apache-2.0; they are not part of this package, and the user
names the file.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from duologue_pipeline.errors import UsageError
from duologue_pipeline.models.fetched import files_sha256
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.laughter import LaughterRules

__all__ = ["PROGRAM", "WINDOW", "LaughterModel", "Yamnet"]

PROGRAM: Final = "yamnet"
"""What stands before the colon of ``--laughter``."""

WINDOW: Final = 15_600
"""Samples at 16 kHz that the network judges at a time."""

_SOUNDS: Final = 521
_LAUGHTER: Final = slice(13, 19)  # Laughter, Baby laughter, Giggle, Snicker, Belly laugh, Chuckle: yamnet_class_map.csv
_REMEDY: Final = "Give yamnet.tflite, the classifier of windows of 15600 samples, as MediaPipe has it for audio."

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class LaughterModel:
    """Names the file that the user has chosen; it is small and picklable, and loaded by :meth:`open`.

    Attributes:
        source: as for ``--laughter``: ``yamnet:FILE``.
    """

    source: str

    @property
    def place(self) -> str:
        """Gives the file, without the program."""
        return self.source.removeprefix(f"{PROGRAM}:")

    def file(self) -> Path:
        """Finds the file.

        Raises:
            UsageError: it is not there, or is to be run by another program.
        """
        path = Path(self.place).expanduser()
        if self.place == self.source or not path.is_file():
            fault = f"expected {PROGRAM}:FILE" if self.place == self.source else "there is no such file"
            raise UsageError(f"--laughter {self.source}: {fault}. {_REMEDY}")
        return path

    def document(self) -> dict[str, str]:
        """Describes the model for a release: the name and hash of its file, and the version of the rules.

        Raises:
            UsageError: as :meth:`file`.
        """
        path = self.file()
        return {"model": path.name, "sha256": files_sha256([path]), "rules": load_rules(LaughterRules).version}

    def open(self) -> "Yamnet":
        """Loads the network.

        Raises:
            UsageError: it is not there, is not YAMNet, or ai-edge-litert is not installed.
        """
        return Yamnet(self.file())


class Yamnet:
    """Tells how much windows of sound are like laughter. It remembers nothing from window to window.

    Args:
        path: of the TensorFlow Lite file.

    Raises:
        UsageError: ai-edge-litert is not installed, or the file is not YAMNet.
    """

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise UsageError(
                f'--laughter: ai-edge-litert cannot be loaded ({error}); install it with `pip install "duologue[laughter]"`'
            ) from None
        try:
            self._interpreter: Any = Interpreter(model_content=path.read_bytes(), num_threads=1)
            self._interpreter.allocate_tensors()
            (source,) = self._interpreter.get_input_details()
            outputs = [each for each in self._interpreter.get_output_details() if each["shape"][-1] == _SOUNDS]
            fits = source["dtype"] == np.float32 and int(np.prod(source["shape"])) == WINDOW and len(outputs) == 1
        except (OSError, ValueError, RuntimeError, IndexError) as error:
            fault = " ".join(str(error).split())[:300].rstrip(".")
            raise UsageError(f"--laughter {path}: cannot be read ({fault}). {_REMEDY}") from None
        if not fits:
            raise UsageError(f"--laughter {path}: is not YAMNet for windows of {WINDOW} samples. {_REMEDY}")
        self._source, self._shape = source["index"], tuple(source["shape"])
        self._scores = outputs[0]["index"]

    def __call__(self, window: F32) -> float:
        """Gives the score of the kind of laughter that is most like a window, in [0, 1].

        Args:
            window: float32 [:data:`WINDOW`] in [-1, 1] at 16 kHz.
        """
        self._interpreter.set_tensor(self._source, window.reshape(self._shape))
        self._interpreter.invoke()
        return float(self._interpreter.get_tensor(self._scores).reshape(-1)[_LAUGHTER].max())
