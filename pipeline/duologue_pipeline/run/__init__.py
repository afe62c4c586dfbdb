"""Carries out a run: checks what is asked, fingerprints what decides its bytes, and launches the pipeline."""

from typing import TYPE_CHECKING, Any

from duologue_pipeline.run.request import RunRequest

if TYPE_CHECKING:
    from duologue_pipeline.run.launch import RunResult, run

__all__ = ["RunRequest", "RunResult", "run"]


def __getattr__(name: str) -> Any:
    """Loads what launches a run when it is asked for: who only says what a run would be asked does not wait for it."""
    if name in ("RunResult", "run"):
        from duologue_pipeline.run import launch

        return getattr(launch, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
