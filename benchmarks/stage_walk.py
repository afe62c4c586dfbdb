"""Counts the modules that a recording enters in each stage, and how often it climbs back up between them.

    python -m benchmarks.stage_walk [RECORDING_ID]

A recording of the embedded sample goes through the stages in this process while every call into a module of duologue is
noted. *Modules* are those entered. A *climb* is a move, by a call or a return of a function that was entered for the
first time, from a module to one of a row further down in the order of folders (tests/test_borders.py): work that goes
up again after it had been handed down.
"""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from types import FrameType
from typing import Any

from duologue_pipeline.conversation import analysis_steps
from duologue_pipeline.demo import demo_files
from duologue_pipeline.read.whole import load_manifest
from tests.test_borders import ORDER, folder

PACKAGE = "duologue_pipeline"
ROW = {name: row for row, names in enumerate(ORDER[PACKAGE]) for name in names.split()}
APART = ("records", "errors", "rules")  # everybody's words, nobody's way


class Walk:
    """Notes each function of duologue that is called for the first time, in the order in which they are called."""

    def __init__(self) -> None:
        self.modules: list[str] = []
        self._seen: set[Any] = set()

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Notes a call; ``sys.setprofile`` calls it."""
        name = str(frame.f_globals.get("__name__", ""))
        if event != "call" or not name.startswith(f"{PACKAGE}.") or folder(name) in APART:
            return
        if frame.f_code not in self._seen:
            self._seen.add(frame.f_code)
            self.modules.append(name)


def walked(work: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Does the work; gives its result and the module of each function that it entered, in order of its first call."""
    walk = Walk()
    sys.setprofile(walk)
    try:
        return work(), walk.modules
    finally:
        sys.setprofile(None)


def climbs(modules: list[str]) -> int:
    """Counts how often the next function lies in a row further down in the order of folders."""
    rows = [ROW[folder(name)] for name in modules]
    return sum(after > before for before, after in pairwise(rows))


def main() -> None:
    """Walks and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", nargs="?", default="demo-friends", metavar="RECORDING_ID")
    name = parser.parse_args().recording
    manifest = str(demo_files().manifest)
    (recording,) = (each for each in load_manifest(manifest) if each.recording_id == name)
    element: Any = recording
    for step in analysis_steps(words="optional", isolation_policy="keep"):
        model = [step.model()] if step.model else []
        element, modules = walked(partial(step.work, element, *model))
        print(f"{step.name:10s} {len(set(modules)):3d} modules, {climbs(modules):3d} climbs")


if __name__ == "__main__":
    main()
