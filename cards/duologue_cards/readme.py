"""Writes README.md: the dataset card of the Hugging Face Hub, and what a person reads first.

Its headings are ours where something is measured, and those of the Hub's template (huggingface_hub,
templates/datasetcard_template.md) where something is told.
"""

from typing import Final

from duologue_cards import phrases
from duologue_cards.documents.dates import date_modified
from duologue_cards.entry import PURPOSES
from duologue_cards.facts import BRIDGE, Facts
from duologue_cards.few import FEW
from duologue_cards.front_matter import front_matter
from duologue_cards.licenses import together
from duologue_cards.requirements import judge, usable_for
from duologue_cards.sections.background import citing, creation, risks, uses
from duologue_cards.sections.loading import loading
from duologue_cards.sections.turn_taking import turn_taking
from duologue_cards.sections.words import names, percentiles, span, table
from duologue_cards.sheet import Sheet

__all__ = ["write_readme"]

_VERDICTS: Final = {
    "pass": "seen in neither direction above {warn} dB, and no fault found",
    "warn": "seen at {warn} to {fail} dB, or not aligned, drifting clocks, or one side muted while the other talks",
    "fail": "seen above {fail} dB, or one signal or both voices on both tracks, or the speakers change tracks",
    "undetermined": "not enough speech of one alone to tell, in one direction at least",
}

_POLICIES: Final = {
    "keep": "recordings of every verdict were kept.",
    "refuse-fail": "recordings that `fail` were refused.",
    "refuse-warn": "recordings that `fail` or `warn` were refused.",
    "require-pass": "recordings that do not `pass` were refused.",
}


def write_readme(sheet: Sheet) -> str:
    """Writes the text of README.md, front matter and body; the same facts give the same bytes."""
    facts = sheet.facts
    sections = (
        f"# {phrases.escaped(sheet.stated.get('name', facts.name))} {facts.version}\n\n{_warning(facts)}{phrases.summary(facts)}",
        _usable(sheet),
        uses(sheet),
        _contents(facts),
        turn_taking(sheet),
        _isolation(sheet),
        _consent(sheet),
        _tokens(facts),
        _refused(facts),
        loading(facts),
        creation(sheet),
        risks(sheet),
        _provenance(sheet),
        citing(sheet),
    )
    return f"---\n{front_matter(sheet)}\n---\n\n" + "\n\n".join(sections) + "\n"


def _warning(facts: Facts) -> str:
    """Says first of all what the embedded codec is not for."""
    if facts.codec.name != "embedded":
        return ""
    return f"**Not for training:** {phrases.escaped(facts.codec.quality)} For training, make the release again with Mimi.\n\n"


def _usable(sheet: Sheet) -> str:
    found = judge(sheet)
    uses = [
        (each["use"], f"**{each['status']}**", phrases.escaped(each["because"].replace("`", "")))
        for each in usable_for(sheet, found)
    ]
    needs = [(f"`{each.id}`", f"**{each.status}**", phrases.escaped(each.says.replace("`", ""))) for each in found]
    return f"""## What it is usable for

{table(("use", "verdict", "because"), uses)}

No better than the worst of what a use needs of these ([`cards/requirements.json`](cards/requirements.json) has the limits):

{table(("requirement", "verdict", "evidence, or why it is unknown"), needs)}"""


def _contents(facts: Facts) -> str:
    who = phrases.speaker(facts)
    counted = [(split.name, split) for split in facts.splits] + [("together", facts)]
    rows = [
        (name, phrases.duration(of.duration_s), f"{of.samples:,}", f"{of.recordings:,}", f"{of.speakers:,}")
        for name, of in counted
    ]
    low_hz, high_hz = (None if hz is None else f"{hz:,} Hz" for hz in (facts.bandwidth_min_hz, facts.bandwidth_max_hz))
    about = [
        ("languages", names(facts.languages)),
        ("licences", names(facts.licenses)),
        ("what the licences add up to", phrases.escaped(together(facts.licenses))),
        ("corpora", names(facts.corpora)),
        ("obtained by", names(facts.routes)),
        ("settings", names(facts.settings)),
        ("registers", names(facts.registers)),
        ("recorded", span(facts.first_date, facts.last_date)),
        ("highest frequency of the tracks", span(low_hz, high_hz)),
        (
            "a track may lie late, by the unknown delay of its encoder",
            phrases.count(facts.delay_unknown, "conversation"),
        ),
        (
            "transcripts",
            f"{facts.transcribed_tracks:,} of {phrases.count(2 * facts.recordings - facts.one_voice, 'track')}",
        ),
    ]
    return f"""## Dataset structure

{table(("split", "length", "samples", "conversations", f"{who}s"), rows)}

No {who} is in more than one split{_bridge(facts)}. A sample is at most {facts.segment_s:g} s long and holds both tracks, aligned in
time, with the events between the {who}s.

{table(("", "with the number of conversations in brackets"), about)}"""


def _bridge(facts: Facts) -> str:
    """Says what is set aside, as the end of a sentence."""
    if not any(split.name == BRIDGE for split in facts.splits):
        return ""
    return (
        f", but for `{BRIDGE}`: its conversations are between a {phrases.speaker(facts)} of `train` and one of `validation`, so they are for "
        "neither. Leave them out if you use `validation`"
    )


def _isolation(sheet: Sheet) -> str:
    isolation = sheet.facts.isolation
    who = phrases.speaker(sheet.facts)
    limits = {"warn": f"{sheet.rules.warn_above_db:g}", "fail": f"{sheet.rules.fail_above_db:g}"}
    conversations = {item.value: item.count for item in isolation.verdicts}
    rows = [
        (f"`{name}`", phrases.of_voices(sheet.facts, meaning.format(**limits)), f"{conversations.get(name, 0):,}")
        for name, meaning in _VERDICTS.items()
    ]
    levels = [
        (
            "the other voice seen at",
            f"{isolation.directions_bleeding:,}",
            *percentiles(isolation.bleed_db, isolation.directions_bleeding),
        ),
        (
            "not seen, and would have been above",
            f"{isolation.directions_clean:,}",
            *percentiles(isolation.floor_db, isolation.directions_clean),
        ),
        ("cannot be judged", f"{isolation.directions_unjudged:,}", "", "", ""),
    ]
    faults = [
        (
            phrases.of_voices(sheet.facts, phrases.FAULT_WORDS[fault.name]),
            f"{fault.found:,}",
            f"{fault.absent:,}",
            f"{fault.unknown:,}",
        )
        for fault in isolation.faults
    ]
    return f"""## Isolation of the tracks

How much of one {who} is heard in the other's track, measured where only one of them speaks: in dB
relative to the same voice in its own track, so that -20 dB is a tenth of its amplitude. The figures of every conversation,
in both directions, are in `recordings.parquet`. A limit is passed where a fifth of the evidence passes it.

{table(("verdict", "meaning", "conversations"), rows)}

Policy `{isolation.policy}`: {_POLICIES[isolation.policy]}

{table(("", "directions", "5th percentile", "median", "95th percentile"), levels)}

{table(("fault", "found in", "not in", "cannot be judged in"), faults)}"""


def _said_of_people(sheet: Sheet) -> list[tuple[str, str]]:
    """Gives a row for each thing that is said of speakers, and one for all that is not."""
    who = phrases.speaker(sheet.facts)
    named = {name: sheet.value(f"speakers_by_{name}") for name in sheet.facts.speakers_by}
    rows = [
        (
            f"{who}s by {name.replace('_', ' ')}",
            phrases.escaped(", ".join(f"{value} ({count})" for value, count in counts.items())),
        )
        for name, counts in named.items()
        if counts is not None
    ]
    missing = ", ".join(name.replace("_", " ") for name, counts in named.items() if counts is None)
    return [*rows, *([(f"{who}s by {missing}", phrases.UNKNOWN)] if missing else [])]


def _consent(sheet: Sheet) -> str:
    facts, who = sheet.facts, phrases.speaker(sheet.facts)
    allowed = " and ".join(
        f"`{purpose}` ({phrases.of_voices(facts, phrases.PURPOSE_WORDS[purpose])})"
        if purpose in phrases.PURPOSE_WORDS
        else f"`{purpose}`"
        for purpose in facts.purposes
    )
    warning = "" if sheet.passes_on else f"\n\n**Not for publication:** {sheet.not_passed_on}."
    checked = facts.consent.checked_at if facts.consent else phrases.UNKNOWN
    places: dict[str, int | str] = sheet.value("speakers_by_jurisdiction")
    rows = [
        (f"{who}s", f"{facts.speakers:,}, known here by commitments only"),
        (
            f"{who}s by jurisdiction",
            phrases.escaped(", ".join(f"{name} ({count})" for name, count in places.items())) or phrases.UNKNOWN,
        ),
        *_said_of_people(sheet),
        ("consent was checked for the moment", checked),
        ("ledger", f"`{facts.ledger.ledger_id}`, {phrases.count(facts.ledger.events, 'record')}"),
        ("Merkle root of the ledger", f"`{facts.ledger.root}`, signed in `dataset.json`"),
        ("log, key and checkpoint of the ledger", "`log.jsonl`, `ledger.pub`, `checkpoint`, beside this file"),
        (
            "who withdrew since, and receipts",
            f"`revocations.jsonl` and `receipts/`{'' if sheet.changes else ', once somebody has'}",
        ),
    ]
    silenced = (
        f"\n\nIn {phrases.count(facts.one_voice, 'conversation')} one {who} has withdrawn since: that track is silence, "
        "and nothing is said about them."
        if facts.one_voice
        else ""
    )
    nobody = (
        " The voices are nobody's: the ledger holds their entries so that the way of a withdrawal can be tried."
        * facts.only_synthetic
    )
    return f"""## Consent

Both {who}s of every conversation allowed {allowed or phrases.UNKNOWN}: the ledger was asked at the checkpoint
below, before their audio was opened. Consent had to be in force when a conversation was recorded, and when the run asked.
That day is not known here, as no card reads a clock: what follows was asked for the moment that was named, else for that of the ledger's last record.{nobody}{silenced}{warning}

{table(("", ""), rows)}

How much both {who}s of the conversations allow, in the forms that are written; nothing is counted out by which fewer than {FEW} could be told, as a count or as the difference of two:

{table(("purpose", "conversations", "length"), [_covered(sheet, purpose) for purpose in PURPOSES])}

The `KEY.json` of a sample names the ledger's events that allow its use. Consent can be withdrawn: use the newest version
of this release only. `duologue shards verify DATASET` checks all of this. A receipt is checked without duologue by one file of its
source, `duologue_consent/verify.py`: `python verify.py DATASET/receipts/0001.json`.
[`cards/consent_statement.json`](cards/consent_statement.json) says all of this to programs."""


def _covered(sheet: Sheet, purpose: str) -> tuple[str, str, str]:
    recordings, duration_s = (sheet.value(f"consent_{purpose}_{what}") for what in ("recordings", "duration_s"))
    if recordings is None and sheet.facts.consent is not None:
        return f"`{purpose}`", sheet.facts.consent.purposes[purpose].kept_back, ""
    if recordings is None:
        return f"`{purpose}`", phrases.UNKNOWN, phrases.UNKNOWN
    return f"`{purpose}`", f"{recordings:,} of {sheet.facts.recordings:,}", phrases.duration(duration_s)


def _tokens(facts: Facts) -> str:
    codec = facts.codec
    sizes = span(f"{min(codec.cardinalities):,}", f"{max(codec.cardinalities):,}")
    audio = "The audio is in the shards too (`KEY.flac`)." if facts.include_audio else "The audio is not included."
    return f"""## Tokens

Codec `{codec.name}`: {phrases.escaped(codec.quality)}

`KEY.codes.npy` is uint16 `[2, {codec.codebooks}, frames]`, {phrases.speaker(facts)} a first: {codec.codebooks} codebooks of {sizes} entries,
{codec.frame_rate_hz:g} frames a second, made from audio at {codec.sample_rate_hz:,} Hz. {audio}"""


def _refused(facts: Facts) -> str:
    account = (
        f"{phrases.count(facts.read, 'recording')} read, {facts.recordings:,} written, {facts.rejected:,} refused"
        f"{f', {facts.withdrawn:,} withdrawn since' if facts.withdrawn else ''}."
    )
    if not facts.rejected:
        return f"## What was refused\n\n{account}"
    rows = [(f"`{item.value}`", f"{item.count:,}") for item in facts.rejected_reasons]
    return f"""## What was refused

{account} `rejected.jsonl` has the reason of each.

{table(("reason", "recordings"), rows)}"""


def _made_on(sheet: Sheet) -> str:
    """Says how this version came about and when, as far as that is in the release."""
    when = date_modified(sheet)
    if "previous" not in sheet.changes:
        return "the first" + (f", made on {when}" if when else "")
    return "made by a withdrawal" + (f" on {when}" if when else "") + f", from {sheet.changes['previous']['version']}"


def _provenance(sheet: Sheet) -> str:
    facts = sheet.facts
    publication = facts.publication
    rows = [
        ("creator", phrases.escaped(publication.creator or phrases.UNKNOWN)),
        ("web address", phrases.escaped(publication.url or phrases.UNKNOWN)),
        ("first published", publication.date_published or phrases.UNKNOWN),
        ("this version", f"{facts.version}, {_made_on(sheet)}"),
        ("made by", facts.made_by),
        ("rules", ", ".join(f"{name} {version}" for name, version in facts.rules)),
        ("run", f"`{facts.fingerprint}`"),
        ("manifest", f"`{facts.manifest_sha256}`"),
        ("weights of the codec", f"`{facts.codec.weights_sha256}`"),
        ("size of the shards", f"{facts.shard_bytes:,} bytes"),
    ]
    return f"""## Where it comes from

{table(("", ""), rows)}

`dataset.json` lists every file with its SHA-256. This card is a view of [`cards/facts.json`](cards/facts.json), as are
`croissant.json` and the other documents in `cards/`; `duologue card check DATASET` holds them against the tables."""
