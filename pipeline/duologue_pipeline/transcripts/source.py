"""Opens the bytes of a transcript: their encoding, and their JSON where they are some."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from duologue_pipeline.transcripts.model import TranscriptError

__all__ = ["ENCODINGS_TRIED", "Source"]

ENCODINGS_TRIED: Final = ("UTF-8", "UTF-16")
"""What is read without being told: everything else cannot be told from its neighbours and has to be named."""

_LOOKED_AT: Final = 4096
_DEEP: Final = 100


@dataclass(frozen=True)
class Source:
    """Holds one file as it was read.

    Attributes:
        data: its bytes.
        name: of the file, for messages and as the name of the recording where the file has none.
        encoding: of its text; None takes UTF-8 or UTF-16, whichever it is.
    """

    data: bytes
    name: str
    encoding: str | None = None

    @cached_property
    def text(self) -> str:
        """Gives the text, without a byte order mark and with plain line ends.

        Raises:
            TranscriptError: it is in another encoding, or empty.
        """
        return self._decoded().removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def document(self) -> Any:
        """Gives the JSON document of the file; of JSON Lines a list with the document of each line.

        Returns:
            None where the file is no JSON. Numbers that are not finite are kept as floats.

        Raises:
            TranscriptError: it begins as JSON and is damaged.
        """
        text = self.text.strip()
        if not text or text[0] not in "[{":
            return None
        try:
            document = json.loads(text)
        except json.JSONDecodeError as error:
            if error.msg == "Extra data":
                return self._lines(text)
            if text[0] == "[" and error.pos < _LOOKED_AT and not text.lstrip("[{ \n\t").startswith('"'):
                return None  # e.g. a text that begins with a mark in brackets
            raise TranscriptError(
                f"{self.name}: not valid JSON ({error}); the file is damaged or was not read to its end"
            ) from None
        except RecursionError:
            raise TranscriptError(f"{self.name}: not valid JSON (is nested too deeply)") from None
        except ValueError as error:  # a number of too many digits
            raise TranscriptError(f"{self.name}: not valid JSON ({str(error)[:200]})") from None
        if _is_deep(document):
            raise TranscriptError(f"{self.name}: not valid JSON (is nested too deeply)")
        return document

    @property
    def lines(self) -> list[str]:
        """Lists the lines of the text, blanks at their ends removed."""
        return [line.rstrip() for line in self.text.split("\n")]

    @property
    def head(self) -> str:
        """Gives the first lines, to tell a format by."""
        return self.text[:_LOOKED_AT]

    def _decoded(self) -> str:
        if not self.data.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
            raise TranscriptError(f"{self.name}: the file is empty; see that it was fetched to its end")
        if self.encoding is not None:
            try:
                return self.data.decode(self.encoding)
            except UnicodeDecodeError as error:
                raise TranscriptError(
                    f"{self.name}: byte {error.start} is not {self.encoding}; name the encoding of the file"
                ) from None
            except LookupError:
                raise TranscriptError(
                    f"{self.encoding!r} is no encoding; write e.g. utf-8, utf-16, gbk, latin-1"
                ) from None
        if self.data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            tried = "utf-16"
        elif self.data[1:2] == b"\x00":
            tried = "utf-16-le"
        elif self.data[:1] == b"\x00":
            tried = "utf-16-be"
        else:
            tried = "utf-8"
        try:
            return self.data.decode(tried)
        except UnicodeDecodeError as error:
            raise TranscriptError(
                f"{self.name}: byte {error.start} is not {tried.upper()}, and other encodings cannot be told apart; bring it to "
                "UTF-8, or import it with its encoding (`duologue words import --encoding gbk`)"
            ) from None

    def _lines(self, text: str) -> list[Any]:
        documents = []
        for number, line in enumerate(text.split("\n"), start=1):
            if line.strip():
                try:
                    documents.append(json.loads(line))
                except (RecursionError, ValueError) as error:
                    raise TranscriptError(f"{self.name}: line {number} is not valid JSON ({error})"[:300]) from None
        return documents


def _is_deep(document: Any) -> bool:
    """Tells whether lists and objects are nested too deeply."""
    level, depth = [document], 0
    while level and depth <= _DEEP:
        level = [
            part
            for value in level
            if isinstance(value, dict | list)
            for part in (value.values() if isinstance(value, dict) else value)
            if isinstance(part, dict | list)
        ]
        depth += 1
    return depth > _DEEP
