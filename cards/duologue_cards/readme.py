"""README.md: the dataset card of the Hugging Face Hub, and what a person reads first."""

import re
from collections.abc import Iterable
from typing import Any, Final

from huggingface_hub import DatasetCardData

from duologue_cards import phrases
from duologue_cards.facts import Facts
from duologue_cards.hub_features import sample_features
from duologue_cards.licenses import hub_license

__all__ = ["write_readme"]

_PURPOSES: Final = {
    "recording": "being recorded",
    "training_inhouse": "training models in-house",
    "redistribution": "passing the data on to others",
    "speaker_identification": "identifying the speaker",
    "likeness": "imitating the speaker's voice",
}

_VERDICTS: Final = {
    "pass": "the tracks are apart",
    "warn": "traces of the other voice, or of its suppression",
    "fail": "the other voice is plainly in the track, or was cut out of it",
    "undetermined": "not enough speech of one alone to tell",
}

# Measured on Switchboard, see the section of the card.
_HUMAN: Final = {"overlap": "4.7 %", "spread": "0.8 % to 8.8 %", "overlapped": "33.5 %", "fto": "0.13 s"}

_SIZES: Final = [
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
]


def write_readme(facts: Facts) -> str:
    """Gives the whole of README.md: front matter and body. The same facts give the same bytes."""
    sections = [
        _introduction(facts),
        _contents(facts),
        _turn_taking(facts),
        _isolation(facts),
        _consent(facts),
        _tokens(facts),
        _refused(facts),
        _loading(facts),
        _unknowns(facts),
        _provenance(facts),
    ]
    body = "\n\n".join(section.strip() for section in sections)
    return f"---\n{_front_matter(facts)}\n---\n\n{body}\n"


def _front_matter(facts: Facts) -> str:
    tags = [item.value for item in facts.languages if item.value]
    codes = list(dict.fromkeys(tag.split("-")[0].lower() for tag in tags))
    licenses = list(dict.fromkeys(hub_license(item.value) for item in facts.licenses)) or ["unknown"]
    # A split without shards must not be named: datasets refuses a pattern that finds no file.
    data_files = [{"split": split.name, "path": f"shards/{split.name}-*.tar"} for split in facts.splits if split.shards]
    more: dict[str, Any] = {
        "language_details": tags or None,
        "configs": [
            {"config_name": "samples", "data_files": data_files, "default": True},
            {"config_name": "recordings", "data_files": "recordings.parquet"},
            {"config_name": "events", "data_files": "events.parquet"},
        ],
        "dataset_info": {
            "config_name": "samples",
            "features": sample_features(include_audio=facts.include_audio),
        },
    }
    return DatasetCardData(
        pretty_name=facts.name,
        language=codes or None,
        license=licenses[0] if len(licenses) == 1 else licenses,
        task_categories=["audio-to-audio"],
        size_categories=next((name for limit, name in _SIZES if facts.samples < limit), "n>1B"),
        tags=["audio", "speech", "conversation", "full-duplex", "turn-taking", "webdataset", "duologue"],
        **more,
    ).to_yaml()


def _introduction(facts: Facts) -> str:
    return f"# {facts.name} {facts.version}\n\n{phrases.summary(facts)}"


def _contents(facts: Facts) -> str:
    rows = [
        (
            split.name,
            phrases.duration(split.duration_s),
            f"{split.samples:,}",
            f"{split.recordings:,}",
            f"{split.speakers:,}",
        )
        for split in facts.splits
    ]
    total = (
        "together",
        phrases.duration(facts.duration_s),
        f"{facts.samples:,}",
        f"{facts.recordings:,}",
        f"{facts.speakers:,}",
    )
    dates = phrases.UNKNOWN if facts.first_date is None else f"{facts.first_date} to {facts.last_date}"
    bandwidth = (
        phrases.UNKNOWN
        if facts.bandwidth_min_hz is None
        else f"up to {facts.bandwidth_min_hz:,} to {facts.bandwidth_max_hz:,} Hz, depending on the track"
    )
    about = [
        ("languages", phrases.named(facts.languages)),
        ("licences", phrases.named(facts.licenses)),
        ("corpora", phrases.named(facts.corpora)),
        ("obtained by", phrases.named(facts.routes)),
        ("settings", phrases.named(facts.settings)),
        ("registers", phrases.named(facts.registers)),
        ("recorded", dates),
        ("sound reaches", bandwidth),
        ("transcripts", f"{facts.transcribed_tracks:,} of {phrases.count(2 * facts.recordings, 'track')}"),
    ]
    return f"""## What is in it

{_table(("split", "length", "samples", "conversations", "speakers"), [*rows, total])}

No speaker is in more than one split. A sample is at most {facts.segment_s:g} s long and holds both tracks, time-aligned,
with the events between the speakers. The numbers in brackets count conversations.

{_table(("", "as the manifest says, or measured"), about)}"""


def _turn_taking(facts: Facts) -> str:
    turns = facts.turn_taking
    spread = (
        phrases.UNKNOWN
        if turns.overlap_share_p5 is None
        else f"{phrases.percent(turns.overlap_share_p5)} to {phrases.percent(turns.overlap_share_p95)}"
    )
    rows = [
        (
            "overlap, share of the time in which anybody speaks",
            phrases.percent(turns.overlap_share_of_speech),
            "overlap",
        ),
        ("the same by conversation, 5th to 95th percentile", spread, "spread"),
        ("floor transfers in overlap", phrases.percent(turns.overlapped_transfers_share), "overlapped"),
        ("median floor-transfer offset (FTO)", phrases.seconds(turns.fto_median_s), "fto"),
        ("backchannels a minute", phrases.number(turns.backchannels_per_minute), ""),
        ("interruptions a minute", phrases.number(turns.interruptions_per_minute), ""),
    ]
    table = _table(
        ("", "this release", "people on the telephone"),
        [(name, value, _HUMAN.get(key, phrases.UNKNOWN)) for name, value, key in rows],
    )
    return f"""## Turn taking

Over {phrases.duration(turns.duration_s)} of conversation with {phrases.count(turns.floor_transfers, "floor transfer")}:

{table}

People on the telephone: Switchboard (American English), measured from its word times. Far less overlap than theirs can
mean that an echo canceller or a separation has cut overlaps out before the recording came here."""


def _isolation(facts: Facts) -> str:
    rows = [
        (f"`{item.value}`", _VERDICTS.get(item.value or "", ""), f"{item.count:,}")
        for item in sorted(facts.verdicts, key=lambda item: list(_VERDICTS).index(item.value or "undetermined"))
    ]
    return f"""## Isolation of the tracks

How much of one speaker is heard in the other's track, measured where only one of them speaks. The figures of every
recording and direction are in `recordings.parquet`.

{_table(("verdict", "meaning", "conversations"), rows)}"""


def _consent(facts: Facts) -> str:
    purposes = [
        f"`{purpose}`" + (f" ({_PURPOSES[purpose]})" if purpose in _PURPOSES else "") for purpose in facts.purposes
    ]
    beyond = (
        ""
        if "redistribution" in facts.purposes
        else " Passing the data on is not among them: this release must not be published or shared."
    )
    return f"""## Consent

Checked for every conversation before its audio was opened: both speakers allow {_and(purposes)}.{beyond}

{
        _table(
            ("", ""),
            [
                ("speakers", f"{facts.speakers:,}, known here only by commitments"),
                ("speakers by jurisdiction", phrases.named(facts.speakers_by_jurisdiction)),
                ("ledger", f"`{facts.ledger.ledger_id}`"),
                ("events in the ledger", f"{facts.ledger.events:,}"),
                ("head of the ledger", f"`{facts.ledger.head_sha256}`"),
            ],
        )
    }

The events that allow a sample's use are named in its `KEY.json`. Consent can be withdrawn: use the newest version only."""


def _tokens(facts: Facts) -> str:
    codec = facts.codec
    sizes = sorted(set(codec.cardinalities))
    entries = f"{sizes[0]:,}" if len(sizes) == 1 else f"{sizes[0]:,} to {sizes[-1]:,}"
    advice = (
        " It needs no download and is meant for trying things out; for training make the release again with Mimi."
        if codec.name == "embedded"
        else ""
    )
    audio = (
        "The audio itself is in the shards too (`KEY.flac`)." if facts.include_audio else "The audio is not included."
    )
    return f"""## Tokens

Codec `{codec.name}`: {codec.quality.strip().rstrip(".")}.{advice}

`KEY.codes.npy` is uint16 `[2, {codec.codebooks}, frames]`, speaker a first: {codec.codebooks} codebooks of {entries} entries,
{codec.frame_rate_hz:g} frames a second, made from audio at {codec.sample_rate_hz:,} Hz. {audio}

Weights: SHA-256 `{codec.weights_sha256}`."""


def _refused(facts: Facts) -> str:
    account = f"{phrases.count(facts.read, 'recording')} read, {facts.recordings:,} written, {facts.rejected:,} refused"
    if not facts.rejected:
        return f"## What was refused\n\n{account}."
    rows = [(f"`{item.value}`", f"{item.count:,}") for item in facts.rejected_reasons]
    return f"""## What was refused

{account}; `rejected.jsonl` says of each what was found and what to do.

{_table(("reason", "recordings"), rows)}"""


def _loading(facts: Facts) -> str:
    split = next((split.name for split in facts.splits if split.shards), "train")
    return f"""## How to load it

In the folder of the release (or with its name on the Hub in place of `"."`):

```python
from datasets import load_dataset

samples = load_dataset(".", split="{split}", streaming=True)
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

```python
import glob

import webdataset

samples = webdataset.WebDataset(sorted(glob.glob("shards/{split}-*.tar")), shardshuffle=False).decode()
sample = next(iter(samples))
codes, about = sample["codes.npy"], sample["json"]
```

`index.parquet` has a row a sample with its place in the shards, `recordings.parquet` a row a conversation, `events.parquet`
a row an event; `croissant.json` describes their columns."""


def _unknowns(facts: Facts) -> str:
    return "## What is not known\n\n" + "\n".join(f"- {_escaped(sentence)}" for sentence in phrases.limitations(facts))


def _provenance(facts: Facts) -> str:
    rows = [
        ("made by", facts.made_by),
        ("rules", ", ".join(f"{name} {version}" for name, version in facts.rules)),
        ("run", f"`{facts.fingerprint}`"),
        ("manifest", f"`{facts.manifest_sha256}`"),
        ("size of the shards", f"{facts.shard_bytes:,} bytes"),
    ]
    return f"""## Where it comes from

{_table(("", ""), rows)}

`dataset.json` lists every file with its SHA-256. This card is made from the same facts as `croissant.json`."""


def _and(parts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])) or phrases.UNKNOWN


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *(tuple(_escaped(cell) for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _escaped(text: str) -> str:
    """Keeps a manifest's words from being read as Markdown or HTML, or from ending a line of a table."""
    flat = " ".join(text.split())
    return flat if flat.startswith("`") else re.sub(r"([\\|<>\[\]*_])", r"\\\1", flat)
