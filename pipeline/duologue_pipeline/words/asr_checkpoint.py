"""Names the speech recogniser that the user has chosen: which program, and which checkpoint, a folder or a model of a hub.

``transformers:`` (or nothing) takes any checkpoint of that library that gives word times
(:mod:`duologue_pipeline.words.asr_transformers`), ``faster-whisper:`` a Whisper that was converted for CTranslate2
(:mod:`duologue_pipeline.words.asr_faster_whisper`). Nothing is downloaded unless the user allows it, and a release names the
hash over the checkpoint's files.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.names import is_remote, shown
from duologue_pipeline.words.asr import Recognizer

__all__ = ["PROGRAMS", "AsrModel"]

PROGRAMS: Final = ("transformers", "faster-whisper")
"""What may stand before the colon of ``--asr``; the first where nothing does."""

_SUFFIXES: Final = {
    "transformers": (".json", ".txt", ".safetensors", ".model"),
    "faster-whisper": (".json", ".txt", ".bin"),
}

_ANOTHER: Final = re.compile(r"[a-z][\w.-]+:(?!//)")  # as a program, and neither a drive nor the address of a store


@dataclass(frozen=True)
class AsrModel:
    """Names a checkpoint that the user has chosen; it is small and picklable, and loaded by :meth:`open`.

    Attributes:
        source: as for ``--asr``: a folder, or an id of the Hugging Face hub, and before it the program and a colon.
        allow_network: whether it may be downloaded.
    """

    source: str
    allow_network: bool = False

    @property
    def program(self) -> str:
        """Names the program, one of :data:`PROGRAMS`."""
        program, colon, _ = self.source.partition(":")
        return program if colon and program in PROGRAMS else PROGRAMS[0]

    @property
    def place(self) -> str:
        """Gives the folder or the id, without the program."""
        return self.source.removeprefix(f"{self.program}:")

    def folder(self) -> Path:
        """Finds the folder of the checkpoint, downloading it if that is allowed.

        Raises:
            UsageError: it is not there, is of another program, or the program is not installed.
        """
        if is_remote(self.place):
            raise UsageError(
                f"--asr {self.source.removesuffix(self.place)}{shown(self.place)}: a recogniser is read from a folder and not from a "
                "store or a server; fetch its files and name their folder"
            )
        if self.program == "faster-whisper":
            from duologue_pipeline.words.asr_faster_whisper import check_folder, downloaded, require_program

            require_program(self.source)
        else:
            from duologue_pipeline.words.asr_transformers import check_folder, downloaded
        path = Path(self.place).expanduser()  # no shell does it after a colon
        if not path.is_dir():
            if self.place == self.source and _ANOTHER.match(self.source):
                raise UsageError(
                    f"--asr {self.source}: no such folder; before the colon stands {': or '.join(PROGRAMS)}:, and after it a folder "
                    "or an id of the Hugging Face hub"
                )
            try:
                path = downloaded(self.place, allow_network=self.allow_network)
            except (OSError, ValueError) as error:
                why = "" if self.allow_network else "; the hub is not asked without --allow-network"
                raise UsageError(
                    f"--asr {self.source}: no such folder, and no such model in the cache of the Hugging Face hub"
                    f"{why} ({str(error).strip().splitlines()[0]})"
                ) from None
        check_folder(path, self.source)
        return path

    def document(self) -> dict[str, str]:
        """Describes the checkpoint for a release: its name, a hash over all its files, and the program if it is not the first.

        So none of them can change unseen.

        Raises:
            UsageError: as :meth:`folder`.
        """
        folder, digest = self.folder(), hashlib.sha256()
        for path in sorted(folder.rglob("*")):
            if path.suffix in _SUFFIXES[self.program] and path.is_file():
                with path.open("rb") as stream:
                    digest.update(hashlib.file_digest(stream, "sha256").digest())
        named = {} if self.program == PROGRAMS[0] else {"program": self.program}
        return {"model": Path(self.place).name, "sha256": digest.hexdigest(), **named}

    def open(self) -> Recognizer:
        """Loads the recogniser.

        Raises:
            UsageError: it is not there, is damaged, or is no speech recogniser.
        """
        folder = self.folder()
        if self.program == "faster-whisper":
            from duologue_pipeline.words.asr_faster_whisper import FasterWhisper

            return FasterWhisper(folder, source=self.source)
        from duologue_pipeline.words.asr_transformers import TransformersRecognizer

        return TransformersRecognizer(folder, source=self.source)
