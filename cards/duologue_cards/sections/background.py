"""Writes what README.md tells under the headings of the Hub's template: uses, how it was made, risks, citation, contact.

What only a person can say is stated or unknown; what consent does not cover is out of scope whatever is stated.
"""

from typing import Final

from duologue_cards import phrases
from duologue_cards.documents.citation import citation
from duologue_cards.entry import PURPOSES
from duologue_cards.leakage import linked_in_words
from duologue_cards.sheet import Sheet

__all__ = ["citing", "creation", "risks", "uses"]

_NOT_COVERED: Final = {
    "recording": "recording the speakers",
    "training_inhouse": "training models in-house",
    "redistribution": "passing it on to others",
    "speaker_identification": "identifying a speaker",
    "likeness": "imitating a speaker's voice",
}


def uses(sheet: Sheet) -> str:
    """Writes the section on uses: what it is meant for, and what is out of scope."""
    told = [
        f"{title}: {phrases.escaped(sheet.stated[name])}"
        for name, title in (
            ("description", "In the words of the publisher"),
            ("gating_text", "Who wants a copy agrees to this"),
        )
        if name in sheet.stated
    ]
    beyond = [
        phrases.of_voices(sheet.facts, _NOT_COVERED[purpose])
        for purpose in PURPOSES
        if purpose not in sheet.in_force and purpose != "recording"
    ]
    consent = (
        f"Consent does not cover {_either(beyond)}. What the ledger was not asked for is not covered, whoever would allow it."
        if beyond
        else ""
    )
    return "\n\n".join(
        [
            "## Uses",
            *told,
            "### Direct use",
            _stated(sheet, "intended_use", "what it is meant for"),
            "### Out-of-scope use",
            " ".join(
                part for part in (_stated(sheet, "out_of_scope_use", "what it must not be used for"), consent) if part
            ),
        ]
    )


def creation(sheet: Sheet) -> str:
    """Writes the section on how the dataset was made, by whom, and what is personal in it."""
    facts = sheet.facts
    people = (
        "Nobody: all voices and words are synthetic."
        if sheet.only_synthetic
        else f"{phrases.count(facts.speakers, 'speaker')}; {phrases.people_said(facts)}. What they got: "
        + _stated(sheet, "compensation", "that")
    )
    rules = ", ".join(f"{name} {version}" for name, version in facts.rules)
    return f"""## Dataset creation

### Curation rationale

{_stated(sheet, "curation_rationale", "why it was made")}

### Source data

#### Data collection and processing

{_stated(sheet, "collection", "how it was collected")} {_capture(sheet)} {phrases.count(facts.read, "recording")}
read: each was decoded, aligned, measured, cut into samples and coded, and {facts.rejected:,} refused.

#### Who are the source data producers?

{people}

### Annotations

#### Annotation process

Speech activity, turns, overlaps, backchannels, interruptions and isolation were found by {facts.made_by}, with the rule sets {rules}.

#### Who are the annotators?

Nobody: there are no labels made by people, and nobody has checked those of the program by ear.

#### Personal and sensitive information

{_personal(sheet)}"""


def risks(sheet: Sheet) -> str:
    """Writes the section on what is not known, with what follows for who trains."""
    told = _stated(sheet, "social_impact", "what it may do to people")
    gaps = "\n".join(f"- {sentence}" for sentence in phrases.limitations(sheet.facts))
    return f"""## Bias, risks, and limitations

{told} Languages: {phrases.escaped(phrases.named(sheet.facts.languages))}; effective {phrases.speaker(sheet.facts)}s:
{phrases.number(sheet.evidence.effective_speakers)}. What is not known:

{gaps}

### Recommendations

Use the newest version only, and take out what `revocations.jsonl` names. Look at the table of uses above before training, and at
`recordings.parquet` for the isolation of each conversation."""


def citing(sheet: Sheet) -> str:
    """Writes the sections on citation, authors and contact."""
    authors = phrases.escaped(sheet.facts.publication.creator or phrases.UNKNOWN)
    text = citation(sheet).replace("```", "` ` `")
    return f"""## Citation

```bibtex
{text}
```

## Dataset card authors

{authors}; written by {sheet.facts.made_by} from [`cards/facts.json`](cards/facts.json).

## Dataset card contact

{_stated(sheet, "contact", "a contact")}"""


def _capture(sheet: Sheet) -> str:
    if "capture" not in sheet.stated:
        return "Nobody has stated how the tracks came apart."
    return f"The tracks: {sheet.stated['capture']}."


def _personal(sheet: Sheet) -> str:
    if sheet.only_synthetic:
        return f"None: all voices and words are synthetic. {phrases.escaped(linked_in_words(sheet.entries))}"
    return (
        "Voices, and what people say: both can identify them, and nothing is anonymised. Speakers are named by commitments only; there "
        "are no speaker embeddings. What people say was not looked at, so it may be sensitive. "
        + phrases.escaped(linked_in_words(sheet.entries))
    )


def _stated(sheet: Sheet, name: str, what: str) -> str:
    """Gives what a person stated as a sentence, or says that nobody has stated it."""
    if name not in sheet.stated:
        return f"Unknown: nobody has stated {what}."
    text = phrases.escaped(str(sheet.stated[name]))
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _either(parts: list[str]) -> str:
    return " or ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part)
