"""Writes the summary that ends a run, for people, from the files that the run wrote."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from duologue_cards import one_track_ms
from duologue_consent.cli.said import counted
from duologue_pipeline.cli.first_named import COLUMNS, first_refused, first_warned
from duologue_pipeline.errors import REASONS
from duologue_pipeline.files.storage import join
from duologue_pipeline.files.text import parse_json
from duologue_pipeline.reader.release_file import release_file
from duologue_pipeline.reader.tables import read_release_table
from duologue_pipeline.run import RunResult
from duologue_pipeline.run.healing import may_heal
from duologue_pipeline.words.check import MISFITS
from duologue_schemas.tables import FAULT_MEASURES

__all__ = ["summarize"]

_COLUMNS: Final = COLUMNS | frozenset(
    ["duration_s", "language", "isolation", "gain_db", "bleed_db_a_from_b", "bleed_db_b_from_a"]
    + [
        f"{name}_{side}"
        for name in ("speaker", "words", "words_check", "words_outside", "words_heard", "words_invented")
        for side in "ab"
    ]
    + [f"{name}_{side}_s" for name in ("left_out", "from", "to", "filled") for side in "ab"]
    + [f"{name}_found" for name in FAULT_MEASURES]
)
"""What is read of the recordings: of very many, all columns would fill the memory."""


def summarize(result: RunResult, *, private: bool = False) -> str:
    """Writes the summary of a run, in lines of up to about 100 characters.

    Args:
        result: of the run.
        private: whether only the one who runs it sees the summary, as on a terminal: then refusals are told with the files' names.
    """
    lines = ["", *_refusals(result, private=private)]
    if result.release is None:
        where = "" if result.details else f". The reasons are in {join(result.out, 'rejected.jsonl')}"
        return "\n".join([*lines, f"Nothing could be written{where}"])
    release = result.release
    totals, splits = release["totals"], release["splits"]
    recordings = read_release_table(result.out, release, "recordings", columns=_COLUMNS)
    statistics = parse_json(release_file(result.out, release, "statistics.json"))["corpus"]
    ledger = release["ledger"]
    hourly = totals["bytes"] / max(totals["duration_s"], 1e-9) * 3600
    consent = (
        f"for {', '.join(release['purposes'])}; ledger of {ledger['events']} records, "
        f"root {ledger['checkpoint'].splitlines()[2][:12]}"
    )
    lines = [
        "",
        *(["This run is complete already; nothing was done again."] if result.was_complete else []),
        f"Conversations  {totals['written']} written of {totals['read']} read, {_hours(totals['duration_s'])}",
        *_refusals(result, private=private),
        *first_warned(recordings),
        "Splits         "
        + ", ".join(
            f"{name}: {counted(split['samples'], 'sample')}, {counted(split['speakers'], 'speaker')}, {_hours(split['duration_s'])}"
            for name, split in splits.items()
        ),
        *_bridge(splits),
        *_audio(recordings),
        *_turn_taking(statistics, recordings),
        *_words(recordings, "asr" in release),
        *_isolation(release["isolation_policy"], result, recordings),
        *textwrap.wrap(
            f"Codec          {release['codec']['name']}: {release['codec']['quality']}", 100, subsequent_indent=" " * 15
        ),
        f"Consent        {consent}",
        f"Shards         {len(release['shards'])}, {_size(totals['bytes'])} ({_size(hourly)} an hour)",
        f"Files          {result.out}",
        "               README.md is the dataset card; index, recordings, events and speakers are the tables (Parquet);",
        "               statistics.json has turn-taking of the corpus and of each language;",
        "               rejected.jsonl says what was refused and why; dataset.json lists every file with its hash",
    ]
    return "\n".join(lines)


def _bridge(splits: Mapping[str, Any]) -> list[str]:
    if "bridge" not in splits:
        return []
    time = _hours(splits["bridge"]["duration_s"])
    return [
        f"               bridge: {time} between speakers of train and of validation, for neither of them",
        "               (--bridge-share; --validation-share 0 needs none)",
    ]


def _refusals(result: RunResult, *, private: bool) -> list[str]:
    if not result.refused:
        return []
    total = sum(result.refused.values())
    return [
        f"Refused        {total}",
        *(f"    {count:5d}  {reason}: {REASONS.get(reason, '')}" for reason, count in result.refused.items()),
        *first_refused(result, private=private),
        *(
            [f"               what was found and what to do of all: {result.details} (private)"]
            if result.details
            else []
        ),
        *textwrap.wrap(may_heal(result.refused), 100, initial_indent=" " * 15, subsequent_indent=" " * 15),
    ]


def _isolation(policy: str, result: RunResult, recordings: pa.Table) -> list[str]:
    refused = sum(count for reason, count in result.refused.items() if reason.startswith("isolation_"))
    lines = [f"Isolation      {_counts(recordings['isolation'].to_pylist())}; {refused} refused by {policy}"]
    directions = ("bleed_db_a_from_b", "bleed_db_b_from_a")
    levels_db = [level for name in directions for level in recordings[name].drop_null().to_pylist()]
    if levels_db:
        lines.append(
            f"               the other voice seen in {len(levels_db)} of {2 * len(recordings)} tracks, "
            f"median {np.median(levels_db):.1f} dB, highest {max(levels_db):.1f} dB"
        )
    found = {name: sum(_values(recordings, f"{name}_found")) for name in FAULT_MEASURES}
    if any(found.values()):
        lines.append("               " + ", ".join(f"{count} {name}" for name, count in found.items() if count))
    return lines


def _turn_taking(found: Mapping[str, Any], recordings: pa.Table) -> list[str]:
    median_s = found["fto_median_s"]
    human = found["human_reference"] if len(pc.unique(recordings["language"])) == 1 else {}
    lines = [
        (
            f"Overlap        {_share(found['overlap_share_of_time'])} of the time, "
            f"{_share(found['overlap_share_of_speech'])} of speech"
        ),
        f"Floor          {found['floor_transfers']} transfers, {_share(found['overlapped_transfers_share'])} in overlap"
        + ("" if median_s is None else f", median gap {median_s:.2f} s"),
    ]
    if human:
        lines.append(
            f"               people on the telephone: {_share(human['overlap_share_of_speech']['value'])} of speech, "
            f"{_share(human['overlapped_transfers_share']['value'])} of transfers, median "
            f"{human['fto_median_s']['value']:.2f} s (Switchboard)"
        )
    counts = {name: found["kinds"].get(name, {}).get("count", 0) for name in ("backchannel", "interruption")}
    lines.append(
        f"Events         {counts['backchannel']} backchannels, {counts['interruption']} interruptions"
        + (f", {found['disfluencies_per_100_words']:.1f} disfluencies in 100 words" if found["words"] else "")
    )
    return lines


def _words(recordings: pa.Table, listened: bool) -> list[str]:
    checks = _values(recordings, "words_check_a", "words_check_b")
    with_words = sum(_values(recordings, "words_a", "words_b"))
    lines = [f"Words          on {with_words} of {2 * len(recordings)} tracks"]
    unused = {verdict: checks.count(verdict) for verdict in MISFITS if verdict in checks}
    if unused:
        told = " and ".join(f"{n} {verdict.replace('_', ' ')}" for verdict, n in unused.items())
        why = "; `duologue words import FILE` says what is wrong with one" if "invalid" in unused else ""
        lines.append(f"               {told} not used: see words_check_a and words_check_b in recordings.parquet{why}")
    outside = _values(recordings, "words_outside_a", "words_outside_b")
    if outside:
        lines.append(
            f"               {counted(sum(outside), 'word')} on {counted(len(outside), 'track')} lie outside of the audio and are left out: see "
            "words_outside_a and _b"
        )
    unheard = recordings.filter(
        pc.or_(
            *(pc.and_(pc.invert(recordings[f"words_{s}"]), pc.is_null(recordings[f"words_heard_{s}"])) for s in "ab")
        )
    )
    if listened and len(unheard):
        languages = ", ".join(sorted(map(str, pc.unique(unheard["language"]).to_pylist())))
        lines.append(
            f"               {counted(len(unheard), 'conversation')} ({languages}) not listened to: --asr does not know the language"
        )
    heard, invented = (_values(recordings, f"{name}_a", f"{name}_b") for name in ("words_heard", "words_invented"))
    if heard:
        lines.append(f"               {counted(sum(heard), 'word')} heard on {counted(len(heard), 'track')} by --asr")
        lines.append(
            "               labels of disfluencies from these lack most fillers and repetitions: recognisers leave them out"
        )
    if invented:
        lines.append(
            f"               and {sum(invented)} on {len(invented)} of them left out, for nobody speaks there or the model is not sure: see words_invented_a and _b"
        )
    return lines


def _audio(recordings: pa.Table) -> list[str]:
    """Says what of the audio is not as in its files."""
    lines = []
    early_s = _values(recordings, "left_out_a_s", "left_out_b_s")
    if early_s:
        lines.append(
            f"{sum(early_s):.1f} s of {counted(len(early_s), 'track')} lie before their conversation (offset_s), left out"
        )
    alone_ms = one_track_ms(recordings)
    if alone_ms:
        lines.append(
            f"in {counted(len(alone_ms), 'conversation')} one track is alone, for {sum(alone_ms) / 60_000:.1f} min: somebody joined later or left "
            "earlier (from_a_s, to_a_s)"
        )
    filled_s = _values(recordings, "filled_a_s", "filled_b_s")
    if filled_s:
        lines.append(
            f"{sum(filled_s):.1f} s of {counted(len(filled_s), 'track')} were never sent: silence in their place (filled_a_s)"
        )
    gains_db = _values(recordings, "gain_db")
    if gains_db:
        lines.append(
            f"{counted(len(gains_db), 'conversation')} over full scale turned down, by up to {-min(gains_db):g} dB (gain_db)"
        )
    return [f"{head:15}{line}" for head, line in zip(("Audio", "", "", "", ""), lines, strict=False)]


def _values(recordings: pa.Table, *columns: str) -> list[Any]:
    """Lists the values of columns that say something: what is null, false, 0 or empty does not."""
    return [value for name in columns for value in recordings[name].to_pylist() if value]


def _share(share: float | None) -> str:
    return "no part" if share is None else f"{100 * share:.1f} %"


def _counts(values: Sequence[str]) -> str:
    return ", ".join(f"{values.count(value)} {value}" for value in sorted(set(values)))


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 3600 else f"{seconds / 60:.1f} min"


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
