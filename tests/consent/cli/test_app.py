"""``duologue consent`` as a data steward meets it."""

import hashlib
import json
import re
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from duologue_consent import (
    AgeBand,
    Decider,
    Evidence,
    Expression,
    Form,
    Guardian,
    Ledger,
    Method,
    Notice,
    Purpose,
    Terms,
)
from duologue_consent.cli.app import app


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "consent.db"
    Ledger.create(path)
    return path


def consent(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def state_of(ledger: Path, speaker: str) -> dict[str, str]:
    shown = consent("status", speaker, "--ledger", ledger, "--format", "json")
    return {row["purpose"]: row["state"] for row in json.loads(shown.stdout)["consents"]}


def test_a_day_of_a_steward(tmp_path: Path) -> None:
    path = tmp_path / "consent.db"
    made = consent("init", path)
    assert made.exit_code == 0
    assert made.stdout.startswith(f"{path}: made, ledger ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    at = ("--at", "2026-03-01T10:00:00+01:00")
    granted = consent(
        "grant", "spk-17", "--purpose", "recording", "--purpose", "training_inhouse", "--ledger", path, *at
    )
    refused = consent("refuse", "spk-17", "--purpose", "likeness", "--ledger", path, *at, "--details")
    withdrawn = consent("withdraw", "spk-17", "--purpose", "training_inhouse", "--ledger", path, "--details")

    _, _, third, fourth = Ledger.open(path).snapshot().history("spk-17")
    assert granted.stdout == (
        "Done: spk-17 allows recording and training_inhouse in all forms.\n"
        "note: covers all forms (audio, transcript, tokens, annotations), because no --form names fewer\n"
    )
    assert refused.stdout == (
        "Done: spk-17 has refused likeness.\n"
        f"appended seq 2, {third.sha256[:12]}: refuse spk-17 likeness at 2026-03-01T09:00:00Z; now refused\n"
    )
    done, appended, *following = withdrawn.stdout.splitlines()
    assert done == "Done: spk-17 has withdrawn training_inhouse."
    assert appended.startswith(f"appended seq 3, {fourth.sha256[:12]}: withdraw spk-17 training_inhouse at 20")
    assert appended.endswith("Z; now withdrawn")
    assert following[0].startswith("Next, for each release that was made with this ledger: duologue consent propagate ")
    assert [result.exit_code for result in (granted, refused, withdrawn)] == [0, 0, 0]
    assert state_of(path, "spk-17") == {
        "recording": "given",
        "training_inhouse": "withdrawn",
        "redistribution": "not asked",
        "speaker_identification": "not asked",
        "likeness": "refused",
    }


def test_withdraw_without_a_purpose_withdraws_all_that_was_granted(ledger: Path) -> None:
    consent("grant", "spk-17", "--purpose", "recording", "--purpose", "likeness", "--ledger", ledger)
    assert consent("withdraw", "spk-17", "--ledger", ledger).exit_code == 0
    assert state_of(ledger, "spk-17") == {
        "recording": "withdrawn",
        "training_inhouse": "not asked",
        "redistribution": "not asked",
        "speaker_identification": "not asked",
        "likeness": "withdrawn",
    }


def test_status_is_a_plain_table_where_nobody_watches(ledger: Path) -> None:
    at = ("--ledger", ledger, "--at", "2026-03-01T10:00:00Z")
    consent("grant", "spk-17", "--purpose", "recording", *at)
    consent("grant", "spk-17", "--purpose", "likeness", *at, "--expires", "2026-04-01T10:00:00Z")
    forms = ("--form", "annotations", "--form", "tokens")
    consent("grant", "spk-17", "--purpose", "redistribution", *at, "--expires", "2999-01-01T00:00:00.5Z", *forms)
    assert "entered at" not in consent("status", "--ledger", ledger).stdout
    shown = consent("status", "--ledger", ledger, "--details")
    first, *lines = shown.stdout.splitlines()
    assert first == "spk-17 allows recording and redistribution."
    table, notes = lines[:6], lines[6:]
    entered = (
        r"note: grant of \w+ by spk-17: given at 2026-03-01T10:00:00Z, entered at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
    )
    assert len(notes) == 3
    assert all(re.fullmatch(entered, note) for note in notes)
    assert [line.rstrip() for line in table] == [
        "speaker   purpose                  state       since                  expires                covers",
        "spk-17    recording                given       2026-03-01T10:00:00Z                          all forms",
        "spk-17    training_inhouse         not asked",
        "spk-17    redistribution           given       2026-03-01T10:00:00Z   2999-01-01T00:00:00Z   tokens, annotations",
        "spk-17    speaker_identification   not asked",
        "spk-17    likeness                 expired     2026-04-01T10:00:00Z   2026-04-01T10:00:00Z",
    ]


def test_status_as_json_is_exact(ledger: Path) -> None:
    consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger, "--at", "2026-03-01T10:00:00.123456Z")
    shown: dict[str, Any] = json.loads(consent("status", "--ledger", ledger, "--format", "json").stdout)
    snapshot = Ledger.open(ledger).snapshot()
    assert shown.pop("as_of").endswith("Z")
    first, *others = shown.pop("consents")
    assert first.pop("entered_at") > "2026-03-01T10:00:00.123456Z"
    assert shown == {"ledger_id": snapshot.ledger_id, "events": 1}
    assert first == {
        "speaker_id": "spk-17",
        "purpose": "recording",
        "state": "given",
        "forms": ["audio", "transcript", "tokens", "annotations"],
        "since": "2026-03-01T10:00:00.123456Z",
        "expires_at": None,
        "look_alikes": [],
    }
    assert [row["state"] for row in others] == ["not asked"] * 4


def test_status_shows_the_speakers_asked_for(ledger: Path) -> None:
    for speaker in ("spk-42", "spk-[bold]17"):
        consent("refuse", speaker, "--purpose", "recording", "--ledger", ledger)
    lines = consent("status", "--ledger", ledger).stdout.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["spk-42"] * 5 + ["spk-[bold]17"] * 5
    lines = consent("status", "spk-42", "--ledger", ledger).stdout.splitlines()[2:]
    assert [line.split()[0] for line in lines] == ["spk-42"] * 5


def test_status_has_a_line_a_speaker_where_it_is_wide(ledger: Path) -> None:
    at = ("--ledger", ledger, "--at", "2026-03-01T10:00:00Z")
    consent("grant", "spk-17", "--purpose", "recording", "--purpose", "likeness", *at)
    consent("grant", "b", "--purpose", "recording", *at, "--expires", "2999-01-01T00:00:00.5Z", "--form", "tokens")
    consent("grant", "c", "--purpose", "training_inhouse", *at)
    consent("refuse", "c", "--purpose", "recording", *at)
    first, *table, note = consent("status", "--wide", "--ledger", ledger).stdout.splitlines()
    assert first == "3 speakers. Allowed now: recording by 2 and likeness by 1."
    assert [re.split(" {3,}", line.rstrip()) for line in table] == [
        ["speaker", *Purpose],
        ["b", "given until 2999-01-01 (tokens)", *["not asked"] * 4],
        ["c", "refused", "given", *["not asked"] * 3],
        ["spk-17", "given", *["not asked"] * 3, "given"],
    ]
    assert note.startswith("note: training_inhouse of c allows nothing")


def test_status_of_an_empty_ledger_says_so(ledger: Path) -> None:
    assert consent("status", "--ledger", ledger).stdout == f"{ledger}: no events yet\n"
    assert json.loads(consent("status", "--ledger", ledger, "--format", "json").stdout)["consents"] == []


def test_a_purpose_without_recording_is_noted(ledger: Path) -> None:
    note = "note: likeness of spk-17 allows nothing, because it needs recording, which is not asked\n"
    granted = consent("grant", "spk-17", "--purpose", "likeness", "--ledger", ledger, "--form", "audio")
    assert granted.stdout == f"Done: spk-17 allows likeness as audio.\n{note}"
    assert consent("status", "--ledger", ledger).stdout.endswith(note)
    assert "allows nothing" not in consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger).stdout
    assert "note" not in consent("status", "--ledger", ledger).stdout


def test_a_withdrawal_entered_late_counts_until_the_later_grant_is_entered_again(ledger: Path) -> None:
    for at in ("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z"):
        consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger, "--at", at)
    late = consent("withdraw", "spk-17", "--ledger", ledger, "--at", "2026-02-01T00:00:00Z")
    assert late.stdout.startswith(
        "Done: spk-17 has withdrawn recording.\n"
        "note: if the grant of 2026-03-01T00:00:00Z was given after that, enter it again with its own --at\n"
    )
    again = ("grant", "spk-17", "--purpose", "recording", "--ledger", ledger, "--at", "2026-03-01T00:00:00Z")
    assert consent(*again).stdout.startswith("Done: spk-17 allows recording in all forms.\n")
    early = consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger, "--at", "2026-01-02T00:00:00Z")
    assert early.stdout.startswith("Done: spk-17 allows recording in all forms.\n")
    consent("refuse", "spk-17", "--purpose", "recording", "--ledger", ledger)
    assert consent(*again).stdout.startswith(
        "Done: spk-17 has granted recording in all forms. But recording is refused all the same.\n"
    )


# --- records, others' decisions, receipts -----------------------------------------------------------------------------

RECORD = {
    "schema": "consent_record/1.0",
    "speaker_id": "spk-17",
    "at": "2026-03-01T10:00:00Z",
    "method": "written",
    "jurisdiction": "DE",
    "decisions": [
        {"purpose": "recording", "action": "grant", "forms": ["tokens"]},
        {"purpose": "likeness", "action": "refuse"},
    ],
}


def test_a_grant_keeps_everything_that_its_options_say(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "notice.txt").write_text("what we do with it\n")
    (tmp_path / "scan.png").write_bytes(b"a scan")
    options = (
        "--form tokens --form annotations --retention 1095 --notice-version 3 --notice-language en-GB --method written "
        "--expression explicit --jurisdiction US-IL --age-band minor --age-years 12 --guardian papers-8 "
        "--guardian-relation parent --guardian-verified-by passport --controller Example --recipient universities "
        f"--evidence-reference folder-12 --notice {tmp_path / 'notice.txt'} --evidence {tmp_path / 'scan.png'}"
    )
    granted = consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger, *options.split())
    assert granted.exit_code == 0, granted.output
    assert "covers all" not in granted.stdout
    (event,) = Ledger.open(ledger).snapshot().history("spk-17")
    assert event.terms == Terms(
        forms=(Form.TOKENS, Form.ANNOTATIONS),
        notice=Notice(hashlib.sha256(b"what we do with it\n").hexdigest(), "3", "en-GB"),
        method=Method.WRITTEN,
        expression=Expression.EXPLICIT,
        decided_by=Decider.GUARDIAN,
        jurisdiction="US-IL",
        age_band=AgeBand.MINOR,
        age_years=12,
        guardian=Guardian("papers-8", "parent", "passport"),
        retention_days=1095,
        evidence=Evidence(hashlib.sha256(b"a scan").hexdigest(), "folder-12"),
        controller="Example",
        recipients=("universities",),
    )


def test_what_the_jurisdiction_asks_for_is_said_while_the_record_is_entered(ledger: Path) -> None:
    granted = consent(*GRANT, "--jurisdiction", "JP", "--age-band", "minor", "--ledger", ledger)
    assert granted.exit_code == 0
    assert granted.stdout.splitlines()[1:4] == [
        "note: a minor's consent counts only with --guardian",
        (
            "note: does not meet jp.appi.child (Guidelines of the Personal Information Protection Commission on the APPI "
            "(general rules), 2-16): no verified guardian decided for a speaker below 16 years; name the guardian and how "
            "this was verified (--guardian REFERENCE --guardian-verified-by METHOD)"
        ),
        (
            "note: does not meet jp.appi.purpose (APPI, Articles 17(1) and 21): it names no notice; name the notice that "
            "was shown (--notice FILE)"
        ),
    ]


def test_a_whole_record_is_appended_at_once(ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps(RECORD))
    done = consent("grant", "--record", tmp_path / "record.json", "--ledger", ledger)
    assert done.stdout.startswith("Done: spk-17 allows recording as tokens; spk-17 has refused likeness.\n")
    first, second = Ledger.open(ledger).snapshot().history("spk-17")
    assert (first.action, first.purpose, first.terms.forms) == ("grant", "recording", (Form.TOKENS,))
    assert (second.action, second.purpose, second.terms.jurisdiction) == ("refuse", "likeness", "DE")
    assert state_of(ledger, "spk-17")["likeness"] == "refused"


def test_a_record_that_could_be_read_in_two_ways_is_refused(ledger: Path, tmp_path: Path) -> None:
    record = json.dumps(RECORD)
    field = next(iter(RECORD))
    for text, told in (
        (f'{{"{field}": 1, {record[1:]}', f"a field is named twice: {field!r}"),
        (record.replace("{", '{"x": NaN, ', 1), "NaN is no number of JSON"),
        ("[" * 100_000, "is not JSON that can be used"),
    ):
        (tmp_path / "record.json").write_text(text)
        result = consent("grant", "--record", tmp_path / "record.json", "--ledger", ledger)
        assert result.exit_code == 2
        assert told in result.stderr
    assert Ledger.open(ledger).snapshot().history("spk-17") == ()


def test_others_end_a_consent_or_find_it_invalid(ledger: Path) -> None:
    at = ("--at", "2026-03-01T10:00:00Z", "--ledger", ledger)
    consent("grant", "spk-17", "--purpose", "recording", "--purpose", "likeness", *at)
    assert consent("revoke", "spk-17", "--by", "controller", "--purpose", "likeness", "--ledger", ledger).exit_code == 0
    assert consent("invalidate", "spk-17", "--by", "authority", "--purpose", "recording", *at).exit_code == 0
    states = state_of(ledger, "spk-17")
    assert (states["likeness"], states["recording"]) == ("revoked", "invalidated")
    asked = consent("revoke", "spk-17", "--by", "subject", "--ledger", ledger)
    assert asked.stderr == (
        "duologue consent: revoke cannot be decided by subject; expected one of controller, authority\n"
    )


def test_a_withdrawal_may_be_of_one_form(ledger: Path) -> None:
    consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger)
    assert consent("withdraw", "spk-17", "--form", "audio", "--ledger", ledger).exit_code == 0
    shown = json.loads(consent("status", "--ledger", ledger, "--format", "json").stdout)["consents"][0]
    assert (shown["state"], shown["forms"]) == ("given", ["transcript", "tokens", "annotations"])


def test_the_receipt_comes_as_text_and_as_json(ledger: Path) -> None:
    consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger)
    text = consent("receipt", "spk-17", "--ledger", ledger)
    assert text.stdout.startswith("# Consent receipt\n\nThis is what is on record about your consent, as of 2")
    document = json.loads(consent("receipt", "spk-17", "--ledger", ledger, "--format", "json").stdout)
    assert document["purposes"][0]["state_term"] == "dpv:ConsentGiven"
    assert document["receipt_id"] in text.stdout


GRANT = ("grant", "spk-17", "--purpose", "recording")
MISUSES: dict[str, tuple[tuple[str, ...], str]] = {
    "a ledger that exists": (
        ("init", "LEDGER"),
        "LEDGER: exists already and is not overwritten; choose another name",
    ),
    "an unknown purpose": (
        ("grant", "spk-17", "--purpose", "training", "--ledger", "LEDGER"),
        (
            "--purpose: unknown purpose 'training'; the purposes are recording, training_inhouse, redistribution, "
            "speaker_identification, likeness"
        ),
    ),
    "a time without a zone": (
        (*GRANT, "--ledger", "LEDGER", "--at", "2026-03-01T10:00:00"),
        "--at: '2026-03-01T10:00:00' has no time zone; write date, time and zone, e.g. 2026-03-01T10:00:00Z",
    ),
    "a date for an end": (
        (*GRANT, "--ledger", "LEDGER", "--expires", "2999-03-01"),
        (
            "--expires: '2999-03-01' is not a time as RFC 3339 writes it; write date, time and zone, "
            "e.g. 2026-03-01T10:00:00Z"
        ),
    ),
    "a time in the future": (
        (*GRANT, "--ledger", "LEDGER", "--at", "2999-03-01T10:00:00Z"),
        "--at: 2999-03-01T10:00:00Z is in the future; give the time when the speaker decided, or leave it out",
    ),
    "an end before the beginning": (
        (*GRANT, "--ledger", "LEDGER", "--at", "2026-03-01T10:00:00Z", "--expires", "2026-02-01T10:00:00Z"),
        "the grant would end at 2026-02-01T10:00:00Z, not after it begins at 2026-03-01T10:00:00Z; give a later end",
    ),
    "a speaker id of nothing": (
        ("refuse", "", "--purpose", "recording", "--ledger", "LEDGER"),
        "'' is no speaker id; give at least one printable character, no space at the ends",
    ),
    "withdrawal of an unknown speaker": (
        ("withdraw", "spk-99", "--ledger", "LEDGER"),
        "LEDGER: has no event of speaker 'spk-99', so nothing to withdraw; see `duologue consent status`",
    ),
    "withdrawal of what was refused": (
        ("withdraw", "spk-42", "--ledger", "LEDGER", "--at", "2026-03-02T10:00:00Z"),
        (
            "LEDGER: speaker 'spk-42' had not granted any purpose by 2026-03-02T10:00:00Z, so nothing was withdrawn; "
            "see `duologue consent status`"
        ),
    ),
    "status of an unknown speaker": (
        ("status", "spk-99", "--ledger", "LEDGER"),
        "LEDGER: has no event of speaker 'spk-99'; see all with `duologue consent status`",
    ),
    "a format that does not exist": (
        ("status", "--ledger", "LEDGER", "--format", "xml"),
        "--format 'xml': there is no such format; write text or json",
    ),
    "a receipt of an unknown speaker": (
        ("receipt", "spk-99", "--ledger", "LEDGER"),
        "the ledger has no event of speaker 'spk-99'; see all with `duologue consent status`",
    ),
    "a grant of nothing": (
        ("grant", "spk-17", "--ledger", "LEDGER"),
        "name SPEAKER and at least one --purpose, a --record, or a table --from",
    ),
    "a record and a speaker": (
        (*GRANT, "--record", "record.json", "--ledger", "LEDGER"),
        "--record says who decided what; leave SPEAKER, --purpose and --from out",
    ),
    "a record that is not there": (
        ("grant", "--record", "LEDGER.json", "--ledger", "LEDGER"),
        "--record LEDGER.json: cannot be read (No such file or directory); name a file that you may read",
    ),
    "an unknown form": (
        (*GRANT, "--form", "voice", "--ledger", "LEDGER"),
        "--form: unknown form 'voice'; expected one of audio, transcript, tokens, annotations",
    ),
    "a notice that is not there": (
        (*GRANT, "--notice", "LEDGER.txt", "--ledger", "LEDGER"),
        "--notice LEDGER.txt: cannot be read (No such file or directory); name a file that you may read",
    ),
    "a version of no notice": (
        (*GRANT, "--notice-version", "3", "--ledger", "LEDGER"),
        "--notice-version, --notice-language and --notice-url need --notice FILE or --notice-hash HASH",
    ),
    "a place in words": (
        (*GRANT, "--jurisdiction", "Germany", "--ledger", "LEDGER"),
        "jurisdiction 'Germany' is no ISO 3166 code; write one such as DE or US-IL",
    ),
    "an adult of twelve": (
        (*GRANT, "--age-band", "adult", "--age-years", "12", "--ledger", "LEDGER"),
        "age_band adult and age_years 12 contradict each other; correct one",
    ),
    "no ledger": (
        (*GRANT, "--ledger", "LEDGER.missing"),
        "LEDGER.missing: there is no such ledger; make one with `duologue consent init LEDGER.missing`",
    ),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_one_line_on_stderr_and_changes_nothing(ledger: Path, name: str) -> None:
    consent("refuse", "spk-42", "--purpose", "recording", "--ledger", ledger, "--at", "2026-03-01T10:00:00Z")
    arguments, message = MISUSES[name]
    result = consent(*(argument.replace("LEDGER", str(ledger)) for argument in arguments))
    assert result.stderr == f"duologue consent: {message}\n".replace("LEDGER", str(ledger))
    assert result.stdout == ""
    assert result.exit_code == 2
    assert Ledger.open(ledger).snapshot().events == 1


@pytest.mark.parametrize("command", [GRANT, ("withdraw", "spk-17"), ("status",)])
def test_a_file_that_is_no_ledger_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    path = tmp_path / "consent.csv"
    path.write_text("spk-17,recording\n")
    result = consent(*command, "--ledger", path)
    assert result.stderr == (
        f"duologue consent: {path}: is not a SQLite file, so no consent ledger; "
        "name a file made by `duologue consent init`\n"
    )
    assert result.exit_code == 2


@pytest.mark.parametrize("command", [GRANT, ("withdraw", "spk-17"), ("status",), ("receipt", "spk-17")])
def test_a_damaged_ledger_is_told(ledger: Path, command: tuple[str, ...]) -> None:
    consent("grant", "spk-17", "--purpose", "recording", "--ledger", ledger)
    with sqlite3.connect(ledger) as connection:
        connection.execute("DROP TRIGGER leaves_update")
        connection.execute("UPDATE leaves SET leaf = leaf || ' '")
    result = consent(*command, "--ledger", ledger)
    assert result.stderr.startswith(f"duologue consent: {ledger}: ")
    assert result.stderr.count("\n") == 1
    assert result.exit_code == 2


@pytest.mark.parametrize(
    "command", ["init", "grant", "refuse", "withdraw", "revoke", "invalidate", "status", "receipt"]
)
def test_help_shows_an_example(command: str) -> None:
    result = consent(command, "--help")
    assert result.exit_code == 0
    assert f"Example: duologue consent {command} " in result.stdout


def test_no_output_holds_a_key(ledger: Path) -> None:
    consent(*GRANT, "--ledger", ledger)
    keys = [file.read_text().strip()[-20:] for file in Path(f"{ledger}.keys").iterdir() if "pub" not in file.name]
    assert [len(key) for key in keys] == [20, 20, 20]
    outputs = [
        consent(*GRANT, "--ledger", ledger),
        consent("status", "--ledger", ledger, "--format", "json"),
        consent("receipt", "spk-17", "--ledger", ledger),
        consent("init", ledger),
    ]
    assert all(key not in result.output for key in keys for result in outputs)


def test_the_command_needs_neither_torch_nor_beam_nor_pyarrow(ledger: Path) -> None:
    code = (
        "import sys\n"
        "from duologue_consent.cli.app import app\n"
        "app(standalone_mode=False)\n"
        "print(sorted({'torch', 'apache_beam', 'pyarrow', 'numpy', 'duologue_pipeline'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "grant", "spk-17", "--purpose", "recording", "--ledger", str(ledger)],
        capture_output=True,
        text=True,
        check=True,
    )
    appended, _, loaded = done.stdout.splitlines()
    assert appended == "Done: spk-17 allows recording in all forms."
    assert loaded == "[]"
