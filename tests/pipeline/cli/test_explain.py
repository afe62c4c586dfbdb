"""``duologue consent explain`` as a data steward meets it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from duologue_consent import ALL_FORMS, AgeBand, Form, Ledger, Notice, Purpose, Terms
from duologue_pipeline.cli.app import app
from tests.pipeline.release.test_verify import seal_file

BEFORE = datetime(2026, 2, 20, 9, tzinfo=UTC)
BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]
ADULT = Terms(forms=ALL_FORMS, age_band=AgeBand.ADULT)
CALL: dict[str, Any] = {
    "recording_id": "call-0001",
    "started_at": "2026-03-01T10:00:00Z",
    "tracks": [
        {"speaker_id": "spk-17", "uri": "a.wav", "channel": 0, "jurisdiction": "US-IL", "words_uri": "a.json"},
        {"speaker_id": "spk-42", "uri": "a.wav", "channel": 1, "jurisdiction": "FR"},
    ],
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger in which spk-17, in Illinois, allows everything that the tests ask for."""
    ledger = Ledger.create(tmp_path / "consent.db")
    ledger.grant("spk-17", BOTH, at=BEFORE, terms=ADULT, entered_at=BEFORE)
    return ledger


def explain(folder: Path, *options: str, call: dict[str, Any] = CALL, recording: str = "call-0001") -> Result:
    (folder / "manifest.jsonl").write_text(json.dumps(call) + "\n")
    arguments = ["consent", "explain", recording, "--manifest", str(folder / "manifest.jsonl")]
    arguments += ["--ledger", str(folder / "consent.db"), "--at", "2026-11-21T12:00:00Z", *options]
    return CliRunner().invoke(app, arguments)


def test_it_says_what_stands_against_the_use_and_what_to_do(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grant("spk-42", BOTH, at=BEFORE, terms=Terms(forms=(Form.TOKENS, Form.ANNOTATIONS), age_band=AgeBand.ADULT))
    short = explain(tmp_path).stdout.splitlines()
    assert short[0] == "call-0001 may not be used for training_inhouse, because of b (spk-42)."
    assert all(line.startswith(("b  spk-42: consent for ", "   to do: ")) for line in short[1:])
    assert len(short) == 1 + 2 * 4
    result = explain(tmp_path, "--details")
    snapshot = ledger.snapshot()
    a, b = (snapshot.commitment(speaker)[:12] for speaker in ("spk-17", "spk-42"))
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[:19] == [
        short[0],
        "call-0001, recorded 2026-03-01T10:00:00Z, asked for 2026-11-21T12:00:00Z",
        "",
        "training_inhouse: does not pass, because of b",
        "",
        f"  a  spk-17 ({a}), US-IL",
        "     transcript   yes",
        "     tokens       yes",
        "     annotations  yes",
        "     rules of the place",
        "     - met  us-il.recording.all-parties (720 ILCS 5/14-2(a))",
        "     - met  us.coppa.parent (16 CFR 312.5(a)-(b))",
        "     warnings",
        (
            "     - us-il.bipa.voice (740 ILCS 14/10 (definitions)): The act covers voiceprints. Do not compute any without "
            "the purpose speaker_identification; whether training makes one is disputed."
        ),
        "     rests on seq 0 (recording, 2026-02-20T09:00:00Z), seq 1 (training_inhouse, 2026-02-20T09:00:00Z)",
        "",
        f"  b  spk-42 ({b}), FR",
        "     transcript   no: consent_form_not_covered, consent_jurisdiction_requirement",
        "     tokens       no: consent_jurisdiction_requirement",
    ]
    assert (
        "     - consent_jurisdiction_requirement: consent for training_inhouse does not meet eu.gdpr.7.demonstrable "
        "(GDPR, Article 7(1) with recital 42): it names no notice and it names no controller"
    ) in lines
    assert lines.count("     - met  eu.gdpr.8.child (GDPR, Article 8)") == 1
    assert sum(line.startswith("       to do: ") for line in lines) == 4
    assert lines[-1] == "Rules of places are a help for the steward and no legal advice."


def test_what_it_says_to_do_cures_it(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grant("spk-42", BOTH, at=BEFORE, terms=ADULT)
    assert explain(tmp_path).exit_code == 1
    cured = Terms(forms=ALL_FORMS, age_band=AgeBand.ADULT, notice=Notice("a" * 64), controller="Example Voice GmbH")
    ledger.grant("spk-42", BOTH, at=BEFORE, terms=cured)
    result = explain(tmp_path)
    assert result.exit_code == 0
    assert result.stdout == "call-0001 may be used for training_inhouse.\n"
    assert "training_inhouse: passes" in explain(tmp_path, "--details").stdout


def test_forms_and_purposes_are_those_that_are_asked_for(ledger: Ledger, tmp_path: Path) -> None:
    cured = Terms(forms=(Form.TOKENS,), notice=Notice("a" * 64), controller="Example Voice GmbH")
    ledger.grant("spk-42", BOTH, at=BEFORE, terms=cured)
    assert explain(tmp_path, "--form", "tokens").exit_code == 0
    result = explain(
        tmp_path, "--form", "tokens", "--purpose", "recording", "--purpose", "likeness", "--format", "json"
    )
    assert result.exit_code == 1
    found = {row["purpose"]: row for row in json.loads(result.stdout)["purposes"]}
    assert (found["recording"]["allowed"], found["likeness"]["allowed"]) == (True, False)
    a, b = found["likeness"]["speakers"]
    assert a["forms"] == b["forms"] == {"tokens": ["consent_not_given"]}
    assert found["recording"]["speakers"][1]["rests_on"][0]["purpose"] == "recording"
    rule = next(rule for rule in found["recording"]["speakers"][1]["rules"] if rule["rule"] == "eu.gdpr.8.child")
    assert (rule["verdict"], rule["place"], rule["read"]) == ("met", "FR", "2026-11-21")


def test_an_unknown_speaker_and_an_unknown_time_are_explained(ledger: Ledger, tmp_path: Path) -> None:
    unknown = explain(tmp_path, "--details")
    assert "consent_unknown_speaker: the ledger has no event of this speaker" in unknown.stdout
    assert (
        "b  spk-42: the ledger has no event of this speaker\n   to do: if the speaker agreed before"
        in explain(tmp_path).stdout
    )
    timeless = explain(tmp_path, "--details", call={key: value for key, value in CALL.items() if key != "started_at"})
    assert timeless.stdout.splitlines()[1].startswith(
        "call-0001, recorded at a time that is not known, asked for 2026-11-21"
    )
    assert "consent_recording_time_unknown" in timeless.stdout


def of_release(folder: Path, *options: str, recording: str = "call-1") -> Result:
    arguments = [
        "consent",
        "explain",
        recording,
        "--dataset",
        str(folder),
        "--ledger",
        str(folder.parent / "consent.db"),
    ]
    return CliRunner().invoke(app, [*arguments, "--at", "2026-11-21T12:00:00Z", *options])


def test_a_recording_of_a_release_is_asked_for_what_the_release_holds(release: Path) -> None:
    ledger = Ledger.create(release.parent / "consent.db")
    for speaker_id, forms in (("spk-17", ALL_FORMS), ("spk-42", (Form.TOKENS, Form.ANNOTATIONS))):
        ledger.grant(speaker_id, BOTH, at=BEFORE, terms=Terms(forms=forms, age_band=AgeBand.ADULT))
    snapshot = ledger.snapshot()
    table = release / "recordings.parquet"
    rows = pq.read_table(table)
    first = {"speaker_a": snapshot.commitment("spk-17"), "speaker_b": snapshot.commitment("spk-42")}
    pq.write_table(pa.Table.from_pylist([rows.to_pylist()[0] | first, *rows.to_pylist()[1:]], rows.schema), table)
    changed = of_release(release)
    assert (changed.exit_code, "is not the file that dataset.json names" in changed.stderr) == (2, True)
    seal_file(release, table)

    result = of_release(release, "--details")  # it holds tokens, annotations and audio
    assert result.exit_code == 1
    assert "training_inhouse: does not pass, because of b" in result.stdout
    assert "     audio        no: consent_form_not_covered\n     tokens       yes\n" in result.stdout
    assert f"  b  spk-42 ({first['speaker_b'][:12]}), place not known" in result.stdout
    assert of_release(release, "--form", "tokens").exit_code == 0

    unknown = of_release(release, "--details", recording="call-2")
    assert unknown.stdout.count("consent_unknown_speaker: the ledger does not know whose pseudonym this is") == 2
    nowhere = of_release(release, recording="call-9")
    assert (nowhere.exit_code, "the release holds no recording 'call-9'" in nowhere.stderr) == (2, True)


MISUSES = {
    "two places": (("--dataset", "out"), {}, "name the recording's --manifest or its --dataset, one of them"),
    "another recording": ((), {"recording": "call-2"}, "no recording 'call-2'; `duologue validate"),
    "a broken line": ((), {"call": {**CALL, "tracks": []}}, "recording 'call-0001' is not usable: tracks: "),
    "a recording of tomorrow": ((), {"call": {**CALL, "started_at": "2027-01-01T00:00:00Z"}}, "lies in the future"),
    "a purpose": (("--purpose", "fun"), {}, "unknown purpose 'fun'; the purposes are recording, "),
    "a form": (("--form", "smell"), {}, "unknown form 'smell'; expected one of audio, transcript, tokens, annotations"),
    "a format": (("--format", "xml"), {}, "--format 'xml': there is no such format; write text or json"),
    "a ledger": (("--ledger", "nowhere.db"), {}, "nowhere.db: there is no such ledger"),
}


@pytest.mark.parametrize("name", MISUSES)
def test_misuse_is_one_line_on_stderr(ledger: Ledger, tmp_path: Path, name: str) -> None:
    options, changes, message = MISUSES[name]
    result = explain(tmp_path, *options, **changes)  # type: ignore[arg-type]
    assert result.exit_code == 2
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_it_says_who_looks_like_a_speaker_and_when_a_grant_was_entered(ledger: Ledger, tmp_path: Path) -> None:
    ledger.grant("spk-42", BOTH, at=BEFORE, terms=ADULT, entered_at=BEFORE + timedelta(days=100))
    elsewhere = {"speaker_id": "spk-42", "uri": "a.wav", "channel": 1}
    call = {**CALL, "tracks": [{**CALL["tracks"][0], "speaker_id": "SPK-17"}, elsewhere]}
    said = explain(tmp_path, "--details", call=call).stdout
    assert "     'SPK-17' looks like 'spk-17', in the ledger as well" in said
    assert "given at 2026-02-20T09:00:00Z, entered at 2026-05-31T09:00:00Z" in said
    ledger.grant("SPK-17", BOTH, at=BEFORE, terms=ADULT, new_person=True)
    assert explain(tmp_path, call=call).exit_code == 0
