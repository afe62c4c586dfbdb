"""Writes the README of an intake: what was looked at, what became of it, and the two commands that come next."""

from collections import Counter
from collections.abc import Sequence
from shlex import quote

from duologue_pipeline.intake.model import REFUSALS, FoundRecording, Intake, RefusedFile

__all__ = ["next_commands", "readme"]


def next_commands(out: str) -> tuple[str, str, str]:
    """Gives the commands that follow on an intake: the ledger, if there is none, the steward's and the run.

    Args:
        out: the folder of the intake as it would be typed.
    """
    return (
        "duologue consent init consent.db  # once, if you have no ledger",
        f"duologue consent grant --from {quote(f'{out}/consent-todo.csv')} --ledger consent.db",
        f"duologue run {quote(f'{out}/manifest.jsonl')} --ledger consent.db --out {quote(f'{out}-release')}",
    )


def readme(
    intake: Intake,
    *,
    used: int,
    refused: Sequence[RefusedFile],
    kept: Sequence[FoundRecording],
    notes: Sequence[str],
    out: str,
) -> str:
    """Writes the page.

    Args:
        intake: what was found.
        used: how many files or rows are in recordings.
        refused: all that are in none.
        kept: the recordings of the manifest.
        notes: what the reader should know.
        out: the name of the folder.
    """
    counts = Counter(each.reason for each in refused)
    rows = [
        ("in recordings of the manifest", used),
        *((f"used: {what}", count) for what, count in intake.other.items()),
    ]
    rows += [(f"refused: {reason}. {REFUSALS[reason]}", counts[reason]) for reason in sorted(counts)]
    speakers = {track.speaker_id for recording in kept for track in recording.tracks}
    words = sum(track.words_uri is not None for recording in kept for track in recording.tracks)
    lines = [
        f"# {len(kept)} recordings of {len(speakers)} speakers, from {intake.source}",
        "",
        "Made by `duologue`. Nobody's consent is granted by these files; without it a run refuses every recording.",
        "",
        f"| {intake.unit} | what became of them |",
        "| ---: | --- |",
        *(f"| {count} | {what} |" for what, count in rows),
        f"| **{intake.looked_at}** | **looked at** |",
        "",
        f"{words} of {2 * len(kept)} tracks have a transcript. When they were recorded: {_dates(kept)}.",
        "",
        *(line for note in notes for line in (f"- {note}",)),
        *([""] if notes else []),
        "| file | holds |",
        "| --- | --- |",
        "| `manifest.jsonl` | a recording a line; uris are relative to it, so move it together with the recordings |",
        "| `consent-todo.csv` | a speaker a row, for whoever keeps the consent ledger. **Names people: keep it private** |",
        "| `refused.jsonl` | every file or row that is in no recording, with the reason and what to do |",
        "| `ids.csv` | recording ids, and the names and files that they stand for. Ids are published, these names are not |",
        "",
        "Next, fill in `consent-todo.csv`: `purpose`, such as `recording;training_inhouse`; `at`, when they agreed, which has to be before",
        "`x_first_recorded`; and `form`, such as `audio;transcript;tokens;annotations`; the other columns where you know them. Remove the rows",
        "of those who did not agree. Then, from the folder above:",
        "",
        *(f"    {command}" for command in next_commands(out)),
        "",
    ]
    return "\n".join(lines)


def _dates(kept: Sequence[FoundRecording]) -> str:
    moments = sum(
        each.started_at is not None and len(each.started_at) > 10 and each.started_before is None for each in kept
    )
    unknown = sum(each.started_at is None for each in kept)
    parts = [
        (moments, "to the moment"),
        (len(kept) - moments - unknown, "to a day or an interval (each rule of consent is held against its safer end)"),
        (unknown, "unknown"),
    ]
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "nothing"
