"""Shows where the time of a command of duologue goes: its 25 most costly functions.

    python scripts/profile_command.py annotate call.wav --out call.json
    SORT=cumulative python scripts/profile_command.py demo --out demo-out

The command runs twice. The first time, which imports everything and is not profiled, lets the second show what the work
itself costs. Only the thread that runs the command is seen: of ``duologue run``, that is Beam waiting for its workers.
"""

import cProfile
import os
import pstats
import sys

from duologue_pipeline.cli.start import main

__all__: list[str] = []

FUNCTIONS = 25


def _run() -> None:
    """Runs the command that the arguments name; one that fails ends the script."""
    try:
        main()
    except SystemExit as stop:
        if stop.code:
            raise


if __name__ == "__main__":
    sys.argv[0] = "duologue"
    _run()
    profile = cProfile.Profile()
    profile.runcall(_run)
    pstats.Stats(profile).sort_stats(os.environ.get("SORT", "tottime")).print_stats(FUNCTIONS)
