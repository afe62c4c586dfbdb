"""Makes sure that what a model is tested with is not what it was trained on: a pack is of held-out conversations alone."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files.storage import absolute_uri
from duologue_pipeline.reader.tables import iter_release_table
from duologue_pipeline.records import SPEAKERS
from duologue_schemas.tables import WITHDRAWN

__all__ = ["HELD_OUT", "check_held_out", "check_splits"]

HELD_OUT: Final = "validation"
"""The split that is held out from training; ``bridge`` holds people of ``train`` too."""


def check_splits(name: str, splits: Sequence[str]) -> None:
    """Checks that a pack for evaluation is made of the held-out split alone.

    Raises:
        UsageError: it is not.
    """
    if tuple(splits) != (HELD_OUT,):
        raise UsageError(
            f"--split {', '.join(splits)}: {name} tests models, which must not have been trained on its speakers; give --split {HELD_OUT}"
        )


def check_held_out(uri: str, release: Mapping[str, Any], name: str) -> None:
    """Checks that nobody who speaks in the held-out split speaks in training as well.

    Args:
        uri: the folder of the release.
        release: its ``dataset.json``.
        name: of the format.

    Raises:
        UsageError: somebody does.
    """
    spoken: dict[bool, set[str]] = {True: set(), False: set()}
    columns = ("split", *(f"speaker_{side}" for side in SPEAKERS))
    for table in iter_release_table(absolute_uri(uri), release, "recordings", columns=columns):
        for split, *people in zip(*(table[column].to_pylist() for column in columns), strict=True):
            if split in (HELD_OUT, "train"):
                spoken[split == HELD_OUT].update(people)
    both = (spoken[True] & spoken[False]) - {WITHDRAWN}
    if both:
        raise UsageError(
            f"{uri}: {len(both)} speakers of {HELD_OUT} speak in train as well, so {name} would test a model with voices that it has "
            "learnt; make the release with splits by speaker"
        )
