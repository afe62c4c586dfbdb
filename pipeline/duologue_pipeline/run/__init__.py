"""A run as a whole: what is asked, what decides its bytes, and carrying it out."""

from duologue_pipeline.run.launch import RunResult, run
from duologue_pipeline.run.request import RunRequest

__all__ = ["RunRequest", "RunResult", "run"]
