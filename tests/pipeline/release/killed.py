"""Kills the building of cards just before one of its changes of a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.release import card_files
from duologue_pipeline.release.card_files import build_cards


def build_killed(out: Path, moment: int, monkeypatch: pytest.MonkeyPatch, **given: Any) -> bool:
    """Builds cards of what is given, and ends just before this change of a file; gives whether it lived to the end."""
    left = [moment]

    def counted(inner: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return inner(*arguments, **options)

        return wrapped

    with monkeypatch.context() as patched:
        for name in ("write_bytes", "swap_bytes", "move", "delete_file"):
            patched.setattr(card_files, name, counted(getattr(card_files, name)))
        try:
            build_cards(str(out), tell=lambda _: None, **given)
        except KeyboardInterrupt:
            return False
    return True
