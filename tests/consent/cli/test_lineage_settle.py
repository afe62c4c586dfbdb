"""``duologue consent lineage`` and ``settle``: who is told of a withdrawal, and who is owed what, after it too."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from duologue_consent import Ledger
from duologue_consent.cli.app import app
from duologue_consent.decisions.events import Purpose

MARCH = datetime(2026, 3, 1, 10, tzinfo=UTC)
SPEAKERS = ("anna", "ben", "carl")
BOTH = [Purpose.RECORDING, Purpose.TRAINING_INHOUSE]


@pytest.fixture
def ledger(path: Path) -> Ledger:
    """A ledger in which three speakers granted recording and training."""
    made = Ledger.create(path, created_at=MARCH)
    for speaker in SPEAKERS:
        made.grant(speaker, BOTH, at=MARCH)
    return made


def make_release(folder: Path, ledger: Ledger, *pairs: tuple[str, str, float], version: str = "1.0.0") -> Path:
    """A release of recordings (speaker a, speaker b, seconds); who is ``withdrawn`` was silenced."""
    folder.mkdir(exist_ok=True)
    snapshot = ledger.snapshot()
    name = {speaker: snapshot.commitment(speaker) for speaker in SPEAKERS} | {"withdrawn": "withdrawn"}
    rows = [
        {"recording_id": f"call-{i}", "duration_s": s, "speaker_a": name[a], "speaker_b": name[b]}
        for i, (a, b, s) in enumerate(pairs)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "recordings.parquet")
    table = hashlib.sha256((folder / "recordings.parquet").read_bytes()).hexdigest()
    document = {
        "schema": "release/1.0",
        "name": "calls",
        "version": version,
        "purposes": ["training_inhouse"],
        "ledger": {"ledger_id": snapshot.ledger_id},
        "files": [{"path": "recordings.parquet", "sha256": table}],
    }
    (folder / "dataset.json").write_text(json.dumps(document))
    return folder


@pytest.fixture
def release(tmp_path: Path, ledger: Ledger) -> Path:
    return make_release(tmp_path / "out", ledger, ("anna", "ben", 1800.0), ("anna", "carl", 3600.0))


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], prog_name="duologue consent")


def text(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*arguments: str | Path) -> str:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def rows(*arguments: str | Path) -> Any:
    return json.loads(text(*arguments, "--format", "json"))


# --- lineage --------------------------------------------------------------------------------------------------------


def test_a_model_is_linked_to_its_release(release: Path, path: Path) -> None:
    said = text(
        "lineage", "add", "moshi-3", "--dataset", release, "--ledger", path, "--contact", "ml@example.org", "--details"
    )
    assert said.startswith(
        "Done: on record that model moshi-3 was trained on calls 1.0.0, with 3 speakers.\nappended seq 6: release "
    )
    (link,) = rows("lineage", "list", "--ledger", path)
    assert link["release"] == hashlib.sha256((release / "dataset.json").read_bytes()).hexdigest()
    assert (link["role"], link["name"], link["speakers"], link["withdrawn"]) == ("model", "moshi-3", 3, 0)
    assert text("lineage", "notices", "--ledger", path).startswith("no notice is owed")


def test_a_withdrawal_lists_models_and_recipients_once_told(release: Path, path: Path, tmp_path: Path) -> None:
    run("lineage", "add", "moshi-3", "--dataset", release, "--ledger", path)
    run("lineage", "add", "Acme", "--as", "recipient", "--dataset", release, "--ledger", path)
    said = text("withdraw", "ben", "--ledger", path)
    assert "affected: model moshi-3 was trained on calls 1.0.0, which holds 1 withdrawn speaker\n" in said
    assert "affected: recipient Acme received calls 1.0.0" in said
    owed = rows("lineage", "notices", "--ledger", path)
    assert [row["state"] for row in owed] == ["owed", "owed"]
    text("lineage", "notices", "--out", tmp_path / "n", "--ledger", path)
    assert len(list((tmp_path / "n").glob("*.md"))) == 2
    assert (
        "affected" not in text("withdraw", "carl", "--purpose", "training_inhouse", "--ledger", path).split("carl")[0]
    )


def test_a_notice_names_pseudonyms_and_no_ids(release: Path, path: Path, tmp_path: Path, ledger: Ledger) -> None:
    run("lineage", "add", "Acme", "--as", "recipient", "--dataset", release, "--ledger", path, "--contact", "Jo")
    run("withdraw", "ben", "--purpose", "training_inhouse", "--ledger", path)
    text("lineage", "notices", "--out", tmp_path / "n", "--ledger", path)
    (page,) = (tmp_path / "n").glob("*.md")
    written = page.read_text()
    assert f"- `{ledger.snapshot().commitment('ben')}` (training_inhouse: withdrawn)" in written
    assert ledger.snapshot().commitment("anna") not in written
    assert "- To: Acme (Jo)" in written
    assert "Article 19 GDPR" in written
    assert "ben" not in written.replace("been", "")
    document = json.loads(page.with_suffix(".json").read_text())
    assert document["withdrawn"][0]["speaker"] == ledger.snapshot().commitment("ben")


def test_what_was_told_is_not_told_again_and_acknowledgements_are_kept(
    release: Path, path: Path, tmp_path: Path
) -> None:
    run("lineage", "add", "moshi-3", "--dataset", release, "--ledger", path)
    run("withdraw", "ben", "--ledger", path)
    text("lineage", "notices", "--out", tmp_path / "n", "--ledger", path)
    before = Ledger.open(path).size()
    text("lineage", "notices", "--out", tmp_path / "again", "--ledger", path)
    assert Ledger.open(path).size() == before
    files = {p.name: p.read_bytes() for p in (tmp_path / "n").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "again").iterdir()} == files
    (first,) = rows("lineage", "notices", "--ledger", path)
    text("lineage", "acknowledge", first["notice_id"], "--by", "Jo", "--remark", "retrained", "--ledger", path)
    (answered,) = rows("lineage", "notices", "--ledger", path)
    assert (answered["state"], answered["by"], answered["remark"]) == ("acknowledged", "Jo", "retrained")
    assert "was acknowledged at" in refusal("lineage", "acknowledge", first["notice_id"], "--ledger", path)
    run("withdraw", "carl", "--ledger", path)
    states = rows("lineage", "notices", "--ledger", path)
    assert [(row["state"], len(row["withdrawn"])) for row in states] == [("owed", 1), ("acknowledged", 1)]


def test_who_was_forgotten_is_gone_as_well(release: Path, path: Path, ledger: Ledger) -> None:
    run("lineage", "add", "moshi-3", "--dataset", release, "--ledger", path)
    ledger.forget("anna")
    (owed,) = rows("lineage", "notices", "--ledger", path)
    assert [gone["state"] for gone in owed["withdrawn"]] == ["forgotten"]


def test_withdrawing_another_purpose_concerns_no_model(release: Path, path: Path, ledger: Ledger) -> None:
    ledger.grant("ben", [Purpose.LIKENESS], at=MARCH)
    run("lineage", "add", "moshi-3", "--dataset", release, "--ledger", path)
    assert "affected" not in text("withdraw", "ben", "--purpose", "likeness", "--ledger", path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lineage", "add", "m", "--dataset", "missing"), "missing: is no release that can be read"),
        (("lineage", "acknowledge", "abc"), "no notice abc was issued"),
        (("lineage", "add", "m", "--dataset", "missing", "--as", "friend"), "--as 'friend': there is no such role"),
    ],
)
def test_lineage_refuses(arguments: tuple[str, ...], message: str, path: Path, ledger: Ledger) -> None:
    assert message in refusal(*arguments, "--ledger", path)


def test_a_release_of_another_ledger_is_refused(tmp_path: Path, release: Path) -> None:
    other = Ledger.create(tmp_path / "other.db")
    said = refusal("lineage", "add", "m", "--dataset", release, "--ledger", tmp_path / "other.db")
    assert f"is {other.snapshot().ledger_id}" in said


def test_a_damaged_release_is_refused(release: Path, path: Path) -> None:
    with (release / "recordings.parquet").open("ab") as stream:
        stream.write(b"x")
    said = refusal("lineage", "add", "m", "--dataset", release, "--ledger", path)
    assert "is not the file that dataset.json names" in said


# --- settlement -----------------------------------------------------------------------------------------------------


def uses_file(folder: Path, *uses: dict[str, Any]) -> Path:
    default = {"use_id": "u1", "release": "calls 1.0.0", "at": "2026-04-01T00:00:00Z", "currency": "EUR"}
    target = folder / "uses.jsonl"
    lines = [json.dumps({**default, "rate_minor_per_hour": 1000, **use}) for use in uses]
    target.write_text("\n".join(lines) + "\n")
    return target


def owed(result: Any) -> dict[str | None, int]:
    return {row["speaker_id"]: row["amount_minor"] for row in result["owed"]}


def test_each_speaker_is_paid_by_the_recorded_hour(release: Path, path: Path, tmp_path: Path) -> None:
    result = rows("settle", release, "--uses", uses_file(tmp_path, {}), "--ledger", path)
    assert owed(result) == {"anna": 1500, "ben": 500, "carl": 1000}
    assert text("settle", "--ledger", path).splitlines() == [
        "anna: 1500 minor units of EUR, 1.500 recorded hours",
        "ben: 500 minor units of EUR, 0.500 recorded hours",
        "carl: 1000 minor units of EUR, 1.000 recorded hours",
        "together: 3000 minor units of EUR for 1 use",
    ]


def test_replay_gives_the_same_bytes(release: Path, path: Path, tmp_path: Path) -> None:
    uses = uses_file(tmp_path, {"use_id": "u2"}, {"use_id": "u1", "rate_minor_per_hour": 333})
    text("settle", release, "--uses", uses, "--ledger", path, "--out", tmp_path / "one.jsonl")
    size = Ledger.open(path).size()
    text("settle", release, "--uses", uses, "--ledger", path, "--out", tmp_path / "two.jsonl")
    text("settle", "--ledger", path, "--out", tmp_path / "three.jsonl")
    assert Ledger.open(path).size() == size
    first = (tmp_path / "one.jsonl").read_bytes()
    assert (tmp_path / "two.jsonl").read_bytes() == (tmp_path / "three.jsonl").read_bytes() == first
    amounts = [json.loads(line)["amount_minor"] for line in first.splitlines()]
    assert sum(amounts) == 3000 + 999
    assert b"anna" not in first


def test_a_withdrawn_speaker_keeps_claims_from_before_and_gets_none_after(
    release: Path, path: Path, tmp_path: Path, ledger: Ledger
) -> None:
    text("settle", release, "--uses", uses_file(tmp_path, {}), "--ledger", path)
    run("withdraw", "ben", "--ledger", path)
    make_release(release, ledger, ("anna", "withdrawn", 1800.0), ("anna", "carl", 3600.0), version="2.0.0")
    later = {"use_id": "u2", "release": "calls 2.0.0", "at": "2026-05-01T00:00:00Z"}
    result = rows("settle", release, "--uses", uses_file(tmp_path, {}, later), "--ledger", path)
    assert owed(result) == {"anna": 3000, "ben": 500, "carl": 2000}


@pytest.mark.parametrize(
    ("use", "message"),
    [
        ({"rate_minor_per_hour": 1.5}, "uses.jsonl:1: rate_minor_per_hour is 1.5, expected a whole number"),
        ({"rate_minor_per_hour": -1}, "uses.jsonl:1: use u1: the rate is negative"),
        ({"at": "yesterday"}, "uses.jsonl:1: "),
        ({"release": "calls 9.0.0"}, "uses.jsonl:1: release calls 9.0.0 is none of the given"),
        ({"extra": 1}, "uses.jsonl:1: expected an object with use_id, release, at, rate_minor_per_hour, currency"),
    ],
)
def test_uses_that_are_wrong_are_refused_and_none_is_recorded(
    use: dict[str, Any], message: str, release: Path, path: Path, tmp_path: Path
) -> None:
    before = Ledger.open(path).size()
    said = refusal("settle", release, "--uses", uses_file(tmp_path, use), "--ledger", path)
    assert message in said
    assert Ledger.open(path).size() == before


def test_one_use_told_in_two_ways_is_refused(release: Path, path: Path, tmp_path: Path) -> None:
    text("settle", release, "--uses", uses_file(tmp_path, {}), "--ledger", path)
    said = refusal("settle", release, "--uses", uses_file(tmp_path, {"currency": "USD"}), "--ledger", path)
    assert "use u1 is told in two ways" in said
