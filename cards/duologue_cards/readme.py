"""Writes README.md: the dataset card of the Hugging Face Hub, and what a person reads first."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from duologue_cards import phrases
from duologue_cards.draws import Estimate
from duologue_cards.facts import BRIDGE, Count, Facts
from duologue_cards.front_matter import front_matter
from duologue_cards.licenses import together
from duologue_cards.reference import LimitsOfConversations, limit
from duologue_cards.requirements import judge, usable_for
from duologue_cards.sheet import FEW, PURPOSES, Sheet, with_few_hidden

__all__ = ["write_readme"]

_PURPOSES: Final = {
    "recording": "being recorded",
    "training_inhouse": "training models in-house",
    "redistribution": "passing the data on to others",
    "speaker_identification": "identifying the {who}",
    "likeness": "imitating the {who}",
}

_VERDICTS: Final = {
    "pass": "in neither direction above {warn} dB, and no fault",
    "warn": "{warn} to {fail} dB, or not aligned, drifting clocks, or one side muted while the other talks",
    "fail": "above {fail} dB, or one signal or both voices on both tracks, or the {who}s change tracks",
    "undetermined": "not enough speech of one alone to tell, in one direction at least",
}

_POLICIES: Final = {
    "keep": "recordings of every verdict were kept.",
    "refuse-fail": "recordings that `fail` were refused.",
    "refuse-warn": "recordings that `fail` or `warn` were refused.",
    "require-pass": "recordings that do not `pass` were refused.",
}

_FAULTS: Final = {
    "duplicate": "both tracks are one signal",
    "mono_mix": "both voices mixed on both tracks",
    "over_suppression": "one side is muted while the other talks",
    "swap": "the {who}s change tracks",
    "offset": "the tracks are not aligned: one lies late",
    "drift": "the clocks of the tracks differ",
    "other_voice_a": "more than one voice in track a (pyannote.audio)",
    "other_voice_b": "more than one voice in track b (pyannote.audio)",
    "same_voice": "one voice in both tracks (pyannote.audio)",
}

_STATED: Final = {
    "description": "In the words of the publisher",
    "intended_use": "Meant for",
    "out_of_scope_use": "Not meant for",
    "gating_text": "Who wants a copy agrees to this",
    "collection": "How it was collected",
    "social_impact": "What it may do to people",
}

# People on the telephone: Switchboard, measured from its word times; the card names the source below its table.
_HUMAN_OVERLAP: Final = "4.7 %"
_HUMAN_OVERLAP_SPREAD: Final = "0.8 % to 8.8 %"
_HUMAN_OVERLAPPED_TRANSFERS: Final = "33.5 %"
_HUMAN_FTO: Final = "0.13 s"


_FEW: Final = 20
"""Of fewer values no 5th and 95th percentile is given."""


def write_readme(sheet: Sheet) -> str:
    """Writes the text of README.md, front matter and body; the same facts give the same bytes."""
    facts = sheet.facts
    sections = (
        f"# {phrases.escaped(sheet.stated.get('name', facts.name))} {facts.version}\n\n{_warning(facts)}{phrases.summary(facts)}",
        _usable(sheet),
        *([f"## What it is for\n\n{_uses(sheet)}"] if _uses(sheet) else []),
        _contents(facts),
        _turn_taking(sheet),
        _isolation(sheet),
        _consent(sheet),
        _tokens(facts),
        _refused(facts),
        _loading(facts),
        "## What is not known\n\n" + "\n".join(f"- {sentence}" for sentence in phrases.limitations(facts)),
        _provenance(sheet),
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
        (each["use"], f"**{each['status']}**", phrases.escaped(each["because"])) for each in usable_for(sheet, found)
    ]
    needs = [(f"`{each.id}`", f"**{each.status}**", phrases.escaped(each.says)) for each in found]
    return f"""## What it is usable for

{_table(("use", "verdict", "because"), uses)}

No better than the worst of what a use needs of these ([`cards/requirements.json`](cards/requirements.json) has the limits):

{_table(("requirement", "verdict", "evidence, or why it is unknown"), needs)}"""


def _uses(sheet: Sheet) -> str:
    told = [(sheet.stated[name], title) for name, title in _STATED.items() if name in sheet.stated]
    return "\n\n".join(f"{title}: {phrases.escaped(text)}" for text, title in told)


def _contents(facts: Facts) -> str:
    who = phrases.speaker(facts)
    counted = [(split.name, split) for split in facts.splits] + [("together", facts)]
    rows = [
        (name, phrases.duration(of.duration_s), f"{of.samples:,}", f"{of.recordings:,}", f"{of.speakers:,}")
        for name, of in counted
    ]
    low_hz, high_hz = (None if hz is None else f"{hz:,} Hz" for hz in (facts.bandwidth_min_hz, facts.bandwidth_max_hz))
    about = [
        ("languages", _named(facts.languages)),
        ("licences", _named(facts.licenses)),
        ("what the licences add up to", phrases.escaped(together(facts.licenses))),
        ("corpora", _named(facts.corpora)),
        ("obtained by", _named(facts.routes)),
        ("settings", _named(facts.settings)),
        ("registers", _named(facts.registers)),
        ("recorded", _range(facts.first_date, facts.last_date)),
        ("highest frequency of the tracks", _range(low_hz, high_hz)),
        ("a track begins late by an unknown delay", f"{facts.delay_unknown:,}"),
        (
            "transcripts",
            f"{facts.transcribed_tracks:,} of {phrases.count(2 * facts.recordings - facts.one_voice, 'track')}",
        ),
    ]
    return f"""## What is in it

{_table(("split", "length", "samples", "conversations", f"{who}s"), rows)}

No {who} is in more than one split{_bridge(facts)}. A sample is at most {facts.segment_s:g} s long and holds both tracks, aligned in
time, with the events between the {who}s.

{_table(("", "with the number of conversations in brackets"), about)}"""


def _bridge(facts: Facts) -> str:
    """Says what is set aside, as the end of a sentence."""
    if not any(split.name == BRIDGE for split in facts.splits):
        return ""
    return (
        f", but for `{BRIDGE}`: its conversations are between a {phrases.speaker(facts)} of `train` and one of `validation`, so they are for "
        "neither. Leave them out if you use `validation`"
    )


def _turn_taking(sheet: Sheet) -> str:
    facts, evidence = sheet.facts, sheet.evidence
    turns = facts.turn_taking
    overlap = _estimated(evidence.overlap_share, phrases.percent)
    spread = (
        f"fewer than {_FEW} conversations"
        if evidence.conversations < _FEW and turns.overlap_share_p5 is not None
        else _range(*(phrases.percent(share) for share in (turns.overlap_share_p5, turns.overlap_share_p95)))
    )
    overlapped = _estimated(evidence.overlapped_share, phrases.percent)
    rows = [
        ("overlap, of the time in which anybody speaks", overlap, _HUMAN_OVERLAP),
        ("the same by conversation, 5th to 95th percentile", spread, _HUMAN_OVERLAP_SPREAD),
        ("floor transfers in overlap", overlapped, _HUMAN_OVERLAPPED_TRANSFERS),
        ("median floor-transfer offset (FTO)", _estimated(evidence.fto_median_s, phrases.seconds), _HUMAN_FTO),
        ("backchannels a minute", phrases.number(turns.backchannels_per_minute), phrases.UNKNOWN),
        ("interruptions a minute", phrases.number(turns.interruptions_per_minute), phrases.UNKNOWN),
    ]
    as_many = _of_as_many(sheet) if sheet.compared is None else ("",) * len(rows)
    told = [(*row, limits) for row, limits in zip(rows, as_many, strict=True)]
    if list(evidence.languages) != [sheet.reference.language]:
        told = [(name, ours, "not compared: another language", "") for name, ours, *_ in rows]
    return f"""## Turn taking

Over {phrases.duration(turns.duration_s)} of conversation with {phrases.count(turns.floor_transfers, "floor transfer")}:

{_table(("", "this release", "people on the telephone", "as few of their calls"), told)}

In brackets: 95 % interval, by a bootstrap by conversation. As few of their calls: 95 % of draws of as many.
People on the telephone: Switchboard (American English), measured from its word times. Far less overlap than theirs can
mean that an echo canceller or a separation has cut overlaps out before the recording came here."""


def _of_as_many(sheet: Sheet) -> tuple[str, ...]:
    """Writes within what as many conversations of people lie, for each row of the table."""

    def within(read: Callable[[LimitsOfConversations], float], write: Callable[[float | None], str]) -> str:
        return write(limit(sheet.reference, sheet.evidence.conversations, read))

    rows = (
        (lambda row: row.overlap_share_low, lambda row: row.overlap_share_high, phrases.percent),
        (lambda row: row.overlapped_transfers_low, lambda row: row.overlapped_transfers_high, phrases.percent),
        (lambda row: row.fto_median_low_s, lambda row: row.fto_median_high_s, phrases.seconds),
    )
    share, transfers, median = (f"{within(low, write)} to {within(high, write)}" for low, high, write in rows)
    return share, "", transfers, median, "", ""


def _isolation(sheet: Sheet) -> str:
    isolation = sheet.facts.isolation
    who = phrases.speaker(sheet.facts)
    limits = {"warn": f"{sheet.rules.warn_above_db:g}", "fail": f"{sheet.rules.fail_above_db:g}", "who": who}
    conversations = {item.value: item.count for item in isolation.verdicts}
    rows = [
        (f"`{name}`", meaning.format(**limits), f"{conversations.get(name, 0):,}")
        for name, meaning in _VERDICTS.items()
    ]
    levels = [
        (
            "the other voice seen at",
            f"{isolation.directions_bleeding:,}",
            *_levels(isolation.bleed_db, isolation.directions_bleeding),
        ),
        (
            "not seen, and would have been above",
            f"{isolation.directions_clean:,}",
            *_levels(isolation.floor_db, isolation.directions_clean),
        ),
        ("cannot be judged", f"{isolation.directions_unjudged:,}", "", "", ""),
    ]
    faults = [
        (_FAULTS[fault.name].format(who=who), f"{fault.found:,}", f"{fault.absent:,}", f"{fault.unknown:,}")
        for fault in isolation.faults
    ]
    return f"""## Isolation of the tracks

How much of one {who} is heard in the other's track, measured where only one of them speaks: in dB
relative to the same voice in its own track, so that -20 dB is a tenth of its amplitude. The figures of every conversation,
in both directions, are in `recordings.parquet`. A limit is passed where a fifth of the evidence passes it.

{_table(("verdict", "meaning", "conversations"), rows)}

Policy `{isolation.policy}`: {_POLICIES[isolation.policy]}

{_table(("", "directions", "5th percentile", "median", "95th percentile"), levels)}

{_table(("fault", "found in", "not in", "cannot be judged in"), faults)}"""


def _consent(sheet: Sheet) -> str:
    facts, who = sheet.facts, phrases.speaker(sheet.facts)
    allowed = " and ".join(
        f"`{purpose}` ({_PURPOSES[purpose].format(who=who)})" if purpose in _PURPOSES else f"`{purpose}`"
        for purpose in facts.purposes
    )
    warning = (
        ""
        if "redistribution" in facts.purposes
        else f"\n\n**Not for publication:** consent of the {who}s to `redistribution` was not asked for by this release."
    )
    checked = facts.consent.checked_at if facts.consent else phrases.UNKNOWN
    places = with_few_hidden(facts.speakers_by_jurisdiction)
    rows = [
        (f"{who}s", f"{facts.speakers:,}, known here by commitments only"),
        (
            f"{who}s by jurisdiction",
            phrases.escaped(", ".join(f"{name} ({count})" for name, count in places.items())) or phrases.UNKNOWN,
        ),
        ("consent was checked for the moment", checked),
        ("ledger", f"`{facts.ledger.ledger_id}`, {phrases.count(facts.ledger.events, 'record')}"),
        ("Merkle root of the ledger", f"`{facts.ledger.root}`, signed in `dataset.json`"),
        ("log, key and checkpoint of the ledger", "`log.jsonl`, `ledger.pub`, `checkpoint`, beside this file"),
        ("who withdrew since, and receipts", "`revocations.jsonl` and `receipts/`, once somebody has"),
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

Both {who}s of every conversation allow {allowed or phrases.UNKNOWN}. The ledger was asked at the checkpoint
below, before their audio was opened: consent had to be in force when a conversation was recorded, and when it was asked.{nobody}{silenced}{warning}

{_table(("", ""), rows)}

How much both {who}s of the conversations allow, in the forms that are written; of groups of fewer than {FEW} nothing is counted out:

{_table(("purpose", "conversations", "length"), [_covered(sheet, purpose) for purpose in PURPOSES])}

The `KEY.json` of a sample names the ledger's events that allow its use. Consent can be withdrawn: use the newest version
of this release only. `duologue shards verify DATASET` checks all of this. A receipt is checked without duologue by one file of its
source, `duologue_consent/verify.py`: `python verify.py DATASET/receipts/0001.json`.
[`cards/consent_statement.json`](cards/consent_statement.json) says all of this to programs."""


def _covered(sheet: Sheet, purpose: str) -> tuple[str, str, str]:
    recordings, duration_s = (sheet.value(f"consent_{purpose}_{what}") for what in ("recordings", "duration_s"))
    if recordings is None:
        few = sheet.facts.consent is not None
        return f"`{purpose}`", f"fewer than {FEW}" if few else phrases.UNKNOWN, "" if few else phrases.UNKNOWN
    return f"`{purpose}`", f"{recordings:,} of {sheet.facts.recordings:,}", phrases.duration(duration_s)


def _tokens(facts: Facts) -> str:
    codec = facts.codec
    sizes = _range(f"{min(codec.cardinalities):,}", f"{max(codec.cardinalities):,}")
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

{_table(("reason", "recordings"), rows)}"""


def _loading(facts: Facts) -> str:
    split = next((split.name for split in facts.splits if split.shards), "train")
    shards = next((each.shards for each in facts.splits if each.name == split), 0)
    purpose = facts.purposes[0] if facts.purposes else phrases.UNKNOWN
    return f"""## How to load it

`DATASET` stands for the folder of the release. With `duologue`:

```python
from duologue_pipeline.reader import open_dataset

samples = open_dataset("DATASET", split="{split}", purpose="{purpose}")
sample = next(iter(samples))
codes, about = sample.codes, sample.metadata
```

In training, with torch: shuffled by a seed, and dealt out among the workers and the ranks of `torch.distributed`, each sample
once in an epoch:

```python
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.torch import TorchDataset, collate
from torch.utils.data import DataLoader

samples = TorchDataset(open_dataset("DATASET", split="{split}", purpose="{purpose}", shuffle=7))
for epoch in range(3):
    samples.set_epoch(epoch)
    for batch in DataLoader(samples, batch_size=8, num_workers=4, collate_fn=collate):
        codes, frames = batch["codes"], batch["lengths"]
```

With `datasets`, which also takes the release's name on the Hub:

```python
from datasets import load_dataset

samples = load_dataset("DATASET", split="{split}", streaming=True)
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

With `webdataset`:

```python
from glob import glob

from webdataset import WebDataset, split_by_node

shards = sorted(glob("DATASET/shards/{split}-*.tar"))
samples = WebDataset(shards, shardshuffle=False, nodesplitter=split_by_node).decode()
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

`webdataset` and `datasets` deal out whole shards: of the workers of all ranks together, {phrases.count(shards, "worker")} at most
have something to do. They know nothing of what was withdrawn since.

{_tables(facts)}; `croissant.json` describes their columns."""


def _tables(facts: Facts) -> str:
    """Names the tables: ``index.parquet``, or ``index/*.parquet`` where they are folders of files."""
    paths = {entry.path for entry in facts.files}
    told = [
        f"`{name}.parquet`" if f"{name}.parquet" in paths else f"`{name}/*.parquet`"
        for name in ("index", "recordings", "events")
    ]
    return (
        f"{told[0]} has a row a sample with its place in the shards, {told[1]} a row a conversation,\n"
        f"{told[2]} a row an event"
    )


def _provenance(sheet: Sheet) -> str:
    facts = sheet.facts
    publication = facts.publication
    rows = [
        ("creator", phrases.escaped(publication.creator or phrases.UNKNOWN)),
        ("web address", publication.url or phrases.UNKNOWN),
        ("published", publication.date_published or phrases.UNKNOWN),
        ("made by", facts.made_by),
        ("rules", ", ".join(f"{name} {version}" for name, version in facts.rules)),
        ("run", f"`{facts.fingerprint}`"),
        ("manifest", f"`{facts.manifest_sha256}`"),
        ("weights of the codec", f"`{facts.codec.weights_sha256}`"),
        ("size of the shards", f"{facts.shard_bytes:,} bytes"),
    ]
    return f"""## Where it comes from

{_table(("", ""), rows)}

`dataset.json` lists every file with its SHA-256. This card is a view of [`cards/facts.json`](cards/facts.json), as are
`croissant.json` and the other documents in `cards/`; `duologue card check DATASET` holds them against the tables."""


def _estimated(estimate: Estimate, write: Callable[[float | None], str]) -> str:
    """Writes an estimate with its interval in brackets."""
    interval = f" ({' to '.join(map(write, estimate.interval))})" if estimate.interval else ""
    return write(estimate.value) + interval


def _levels(levels_db: tuple[float, float, float] | None, n: int) -> tuple[str, str, str]:
    """Writes percentiles; of few values the median alone."""
    low, middle, high = map(phrases.decibels, levels_db or (None,) * 3)
    return (low, middle, high) if n >= _FEW else ("", middle, "")


def _named(counts: Sequence[Count]) -> str:
    return phrases.escaped(phrases.named(counts))


def _range(low: str | None, high: str | None) -> str:
    return (low if low == high else f"{low} to {high}") or phrases.UNKNOWN


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
