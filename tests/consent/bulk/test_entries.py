"""A row means what the options mean that its columns are named as."""

from datetime import UTC, datetime
from typing import Any

import pytest

from duologue_consent import ALL_FORMS, AgeBand, Decider, Evidence, Expression, Form, Guardian, Method, Notice, Terms
from duologue_consent.bulk.entries import COLUMNS, Entry, read_entries
from duologue_consent.bulk.faults import TableError
from duologue_consent.bulk.rows import Cell, read_table
from duologue_consent.decisions.events import Action, Purpose

NOW = datetime(2026, 6, 1, tzinfo=UTC)
MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)


def hashed(name: str) -> str:
    if name == "missing.txt":
        raise FileNotFoundError(2, "No such file or directory", name)
    return f"{len(name):064x}"


def entries(text: str, action: Action = Action.GRANT, **given: Cell) -> list[Entry]:
    table = read_table(text.encode(), known=COLUMNS[action])
    return read_entries(table, action, given=given, now=NOW, sha256_of=hashed)[0]


def faults(text: str, action: Action = Action.GRANT, **given: Cell) -> list[str]:
    with pytest.raises(TableError) as error:
        entries(text, action, **given)
    return [str(fault) for fault in error.value.faults]


def test_a_row_with_every_column() -> None:
    row = {
        "speaker": "spk-17",
        "purpose": "recording;likeness",
        "form": "tokens;annotations",
        "at": "2026-03-01T10:00:00Z",
        "expires": "2027-03-01T10:00:00Z",
        "retention": "1095",
        "notice": "notice.txt",
        "notice_version": "3",
        "notice_language": "en-GB",
        "notice_url": "https://example.org/3",
        "method": "written",
        "expression": "explicit",
        "jurisdiction": "US-IL",
        "age_band": "minor",
        "age_years": "12",
        "guardian": "papers-8",
        "guardian_relation": "parent",
        "guardian_verified_by": "passport",
        "controller": "Example",
        "recipient": "universities;Acme",
        "evidence": "scan.png",
        "evidence_reference": "folder-12",
        "new_person": "yes",
    }
    assert row.keys() | {"notice_hash", "same_person"} == set(COLUMNS[Action.GRANT])
    assert entries(f"{','.join(row)}\n{','.join(row.values())}\n") == [
        Entry(
            row=2,
            action=Action.GRANT,
            speaker_id="spk-17",
            purposes=(Purpose.RECORDING, Purpose.LIKENESS),
            at=MARCH,
            expires_at=datetime(2027, 3, 1, 10, tzinfo=UTC),
            terms=Terms(
                forms=(Form.TOKENS, Form.ANNOTATIONS),
                notice=Notice(hashed("notice.txt"), "3", "en-GB", "https://example.org/3"),
                method=Method.WRITTEN,
                expression=Expression.EXPLICIT,
                decided_by=Decider.GUARDIAN,
                jurisdiction="US-IL",
                age_band=AgeBand.MINOR,
                age_years=12,
                guardian=Guardian("papers-8", "parent", "passport"),
                retention_days=1095,
                evidence=Evidence(hashed("scan.png"), "folder-12"),
                controller="Example",
                recipients=("universities", "Acme"),
            ),
            new_person=True,
        )
    ]


def test_what_is_left_out_is_what_an_option_means_that_is_left_out() -> None:
    (granted,) = entries("speaker,purpose,expires,jurisdiction\na,recording,,\n")
    assert granted == Entry(2, Action.GRANT, "a", (Purpose.RECORDING,), NOW, None, Terms(forms=ALL_FORMS), dated=False)
    (withdrawn,) = entries("speaker,purpose\na,\n", Action.WITHDRAW)
    assert withdrawn == Entry(2, Action.WITHDRAW, "a", None, None, None, Terms(), dated=False)


def test_an_option_holds_for_every_row_and_never_beside_its_column() -> None:
    first, second = entries("speaker\na\nb\n", purpose=("recording",), jurisdiction="DE")
    assert (first.purposes, second.terms.jurisdiction) == ((Purpose.RECORDING,), "DE")
    assert faults("speaker,jurisdiction\na,\nb,FR\n", purpose=("recording",), jurisdiction="DE") == [
        "jurisdiction: is a column of the table and an option of the command as well; leave one out"
    ]
    (alone,) = entries("speaker,purpose,form\na,,\n", purpose=("recording",), form=("tokens",))
    assert (alone.purposes, alone.terms.forms) == ((Purpose.RECORDING,), (Form.TOKENS,))


def test_a_row_that_is_there_twice_counts_once_and_one_that_says_otherwise_is_refused() -> None:
    text = "speaker,purpose,expires\na,recording;likeness,2027-01-01T00:00:00Z\nb,recording,\n"
    again = "a,likeness;recording,2027-01-01T00:00:00Z\n"
    table = read_table((text + "a,recording;likeness,2027-01-01T00:00:00Z\n").encode(), known=COLUMNS[Action.GRANT])
    found, repeated = read_entries(table, Action.GRANT, given={}, now=NOW, sha256_of=hashed)
    assert ([each.speaker_id for each in found], repeated) == (["a", "b"], 1)
    for other in ("a,likeness,\n", again):
        assert faults(text + other) == [
            "row 4, speaker: 'a' is decided about in row 2 as well, and otherwise; keep one row a speaker and purpose"
        ]
    assert len(entries("speaker,purpose,expires\na,recording,\na,likeness,2027-01-01T00:00:00Z\n")) == 2


FAULTS: dict[str, tuple[Any, str]] = {
    "no speaker": (",recording,,", "speaker: is empty; write the id that manifests use, or take the row out"),
    "no purpose": ("a,,,", "purpose: is empty; name at least one of recording, "),
    "purposes with a comma between": (
        'a,"recording,training_inhouse",,',
        "purpose: unknown purpose 'recording,training_inhouse'; put ; between several; the purposes are recording, ",
    ),
    "a purpose": ("a,recording;training,,", "purpose: unknown purpose 'training'; the purposes are recording, "),
    "a date for a time": (
        "a,recording,20.02.2026,",
        "at: '20.02.2026' is not a time as RFC 3339 writes it; write date, ",
    ),
    "a time of a spreadsheet": ("a,recording,46073.375,", "at: '46073.375' is not a time as RFC 3339 writes it"),
    "a time to come": ("a,recording,2026-07-01T00:00:00Z,", "at: 2026-07-01T00:00:00Z is in the future; "),
    "an end before the beginning": (
        "a,recording,2026-03-01T00:00:00Z,2026-02-01T00:00:00Z",
        "expires: 2026-02-01T00:00:00Z is not after the grant begins; give a later end",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_names_row_column_and_remedy(name: str) -> None:
    row, told = FAULTS[name]
    (fault,) = faults(f"speaker,purpose,at,expires\nb,recording,,\n{row}\n")
    assert fault.startswith(f"row 3, {told}")


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("form", "", "form: is empty, which would cover every form; name some of audio, "),
        ("form", "smell", "form: unknown form 'smell'; expected one of audio, "),
        ("retention", "3 years", "retention: '3 years' is no whole number; write one in digits"),
        ("retention", "0", "retention_days is 0; write 1 to 36500 days"),
        ("jurisdiction", "Germany", "jurisdiction 'Germany' is no ISO 3166 code; write one such as DE or US-IL"),
        ("method", "by phone", "method: unknown method 'by phone'; expected one of written, "),
        ("age_years", "4e2", "age_years: '4e2' is no whole number"),
        ("notice", "missing.txt", "notice: missing.txt: cannot be read (No such file or directory); name a file"),
        ("notice_hash", "abc", "notice.sha256 'abc' is no SHA-256; write 64 lower-case hex digits"),
        ("notice_version", "3", "notice: is empty, and the row says something of it"),
        ("guardian_relation", "parent", "guardian: is empty, and guardian_relation or guardian_verified_by is not"),
        ("new_person", "perhaps", "new_person: 'perhaps' is neither yes nor no; write one of them"),
    ],
)
def test_what_a_cell_cannot_hold_is_told(column: str, value: str, told: str) -> None:
    (fault,) = faults(f"speaker,purpose,{column}\na,recording,{value}\n")
    assert fault.removeprefix("row 2, ").removeprefix("row 2: ").startswith(told)


def test_all_faults_are_told_at_once() -> None:
    assert len(faults("speaker,purpose\n=x,recording\n,recording\nb,fun\nc,recording\n")) == 3
