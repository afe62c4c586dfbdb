"""Opens the voices that a user names: synthesised ones, recorded ones, or babble."""

import os
from collections.abc import Callable
from pathlib import Path

from duologue_pipeline.errors import UsageError
from duologue_pipeline.simulate.recorded import RecordedBank
from duologue_pipeline.simulate.synthesis import ENGINES, PACKAGES
from duologue_pipeline.simulate.synthesised import SynthesisedBank, read_phrases
from duologue_pipeline.simulate.voices import NoiseBank, VoiceBank

__all__ = ["open_bank"]


def _default_cache() -> Path:
    """Gives the folder in which voices are kept by default: ``duologue/voices`` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "duologue" / "voices"


def open_bank(
    voices: str,
    *,
    language: str = "en-US",
    cache: Path | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> VoiceBank:
    """Opens the voices that ``--voices`` names.

    Args:
        voices: ``auto`` for every synthesiser that is installed; names of some, with commas between; ``noise``; or a
            folder of recorded clips.
        language: what they speak.
        cache: where synthesised voices are kept; ``duologue/voices`` in the user's cache folder if None.
        progress: is told when a voice is being made.

    Raises:
        UsageError: there are fewer than two such voices here; says what to install or give.
    """
    if voices == "noise":
        return NoiseBank()
    if voices != "auto" and Path(voices).is_dir():
        return RecordedBank(Path(voices))
    engines = ENGINES if voices == "auto" else tuple(voices.split(","))
    if unknown := sorted(set(engines) - set(ENGINES)):
        raise UsageError(
            f"--voices {voices}: {unknown[0]} is neither a synthesiser ({', '.join(ENGINES)}) nor a folder; give one of "
            "these, auto, or noise"
        )
    if language.split("-")[0] not in read_phrases():
        raise UsageError(
            f"--language {language}: there are phrases in {', '.join(sorted(read_phrases()))}; for another language give a "
            "folder of recorded clips with --voices"
        )
    bank = SynthesisedBank(engines, language, cache or _default_cache(), progress)
    if len(bank.voices()) < 2:
        raise UsageError(
            f"--voices {voices}: no voice for {language} on this machine. On Debian: apt-get install {PACKAGES}. Or give a "
            "folder of recorded clips, or `noise` for voices that only babble"
        )
    return bank
