"""Is what a worker process of this machine runs: Beam's own worker, which ends with the process that launched it.

python -m duologue_pipeline.stages.worker
"""

import runpy

from duologue_pipeline.stages.launcher import end_with_launcher

__all__: list[str] = []

if __name__ == "__main__":
    end_with_launcher()  # before Beam is loaded and waits for a launcher that may be gone
    runpy.run_module("apache_beam.runners.worker.sdk_worker_main", run_name="__main__")
