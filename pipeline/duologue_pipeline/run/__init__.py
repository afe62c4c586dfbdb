"""Carries out a run: checks what is asked, fingerprints what decides its bytes, and launches the pipeline."""

from duologue_pipeline.run.launch import RunResult, run
from duologue_pipeline.run.request import RunRequest

__all__ = ["RunRequest", "RunResult", "run"]
