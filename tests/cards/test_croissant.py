import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pytest

from duologue_cards import (
    write_cards,
    write_checksums,
    write_croissant,
    write_dps,
    write_eu_summary,
    write_readme,
)
from duologue_cards.entry import PURPOSES
from duologue_schemas.tables import EVENTS, INDEX, RECORDINGS
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]
PUBLICATION = {"creator": "Example Lab", "url": "https://example.org/demo", "date_published": "2026-04-01"}


def issues_of(text: str) -> tuple[set[str], set[str]]:
    issues = mlc.Dataset(jsonld=json.loads(text)).metadata.ctx.issues
    return set(issues.errors), set(issues.warnings)


def test_mlcroissant_finds_nothing_to_complain_about(build: Build, row: Row) -> None:
    release = build(row("1"), row("2", "validation", language=None))
    assert issues_of(write_croissant(sheet_of(release, **PUBLICATION))) == (set(), set())


def test_what_is_unknown_is_left_out_and_only_that_is_missed(build: Build, row: Row) -> None:
    text = write_croissant(sheet_of(build(row("1", language=None, license=None, started_at=None))))
    errors, warnings = issues_of(text)
    assert errors == set()
    assert sorted(re.findall(r"schema.org/(\w+)", " ".join(warnings))) == ["datePublished"]
    assert json.loads(text)["license"] == [{"@type": "sc:CreativeWork", "name": "not stated"}]
    unknown = {"creator", "url", "datePublished", "inLanguage", "rai:dataCollectionTimeframe"}
    assert not unknown & json.loads(text).keys()


def test_where_some_conversations_have_no_licence_it_says_so_beside_the_others(build: Build, row: Row) -> None:
    text = write_croissant(sheet_of(build(row("1"), row("2", license=None)), **PUBLICATION))
    assert json.loads(text)["license"] == [
        "https://spdx.org/licenses/CC-BY-4.0.html",
        {"@type": "sc:CreativeWork", "name": "not stated"},
    ]
    assert issues_of(text) == (set(), set())


def test_licence_creator_address_description_and_date_are_there_when_known(build: Build, row: Row) -> None:
    release = build(row("1"), row("2", license="Our agreement"))
    document = json.loads(write_croissant(sheet_of(release, **PUBLICATION)))
    assert document["license"] == [
        "https://spdx.org/licenses/CC-BY-4.0.html",
        {"@type": "sc:CreativeWork", "name": "Our agreement"},
    ]
    assert document["creator"] == {"@type": "sc:Organization", "name": "Example Lab"}
    assert document["url"] == "https://example.org/demo"
    assert document["datePublished"] == "2026-04-01"
    assert document["rai:dataCollectionTimeframe"] == ["2026-03-01", "2026-03-01"]
    assert document["description"].endswith("4 samples (2.0 minutes) from 2 conversations of 4 speakers.")


def test_context_is_the_one_of_the_specification(build: Build, row: Row, caplog: pytest.LogCaptureFixture) -> None:
    mlc.Dataset(jsonld=json.loads(write_croissant(sheet_of(build(row("1")), **PUBLICATION))))
    assert "The JSON-LD `@context` is not standard" not in caplog.text


def test_every_column_of_every_table_is_described(build: Build, row: Row) -> None:
    document = json.loads(write_croissant(sheet_of(build(row("1")))))
    described = {
        record_set["@id"]: [field["name"] for field in record_set["field"]] for record_set in document["recordSet"]
    }
    assert described == {
        "splits": ["name", "url"],
        "index": INDEX.names,
        "recordings": RECORDINGS.names,
        "events": EVENTS.names,
        "tokens": ["key", "content"],
    }


def test_records_are_read_from_the_tables(
    build: Build, row: Row, write: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    release = build(row("1"), row("2", "validation", samples=1, language=None))
    write(release, tmp_path)
    (tmp_path / "croissant.json").write_text(write_croissant(sheet_of(release)))
    dataset = mlc.Dataset(jsonld=tmp_path / "croissant.json")
    records = list(dataset.records("index"))
    assert [record["index/key"] for record in records] == [b"1-00000", b"1-00001", b"2-00000"]
    assert records[1]["index/start_s"] == 30.0
    assert records[1]["index/purposes"] == [b"training_inhouse"]
    assert records[2]["index/language"] is None
    assert [record["recordings/ftos_s"] for record in dataset.records("recordings")] == [[-0.3, 0.1, 0.2, 0.6]] * 2


def test_table_changed_after_the_card_was_written_is_noticed(
    build: Build, row: Row, write: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    release = build(row("1"))
    write(release, tmp_path)
    (tmp_path / "croissant.json").write_text(write_croissant(sheet_of(release)))
    with (tmp_path / "index.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(Exception, match="Download") as raised:
        list(mlc.Dataset(jsonld=tmp_path / "croissant.json").records("index"))
    assert "is not identical with the reference" in str(raised.value.__cause__)


def test_release_without_the_hash_of_a_table_is_refused(build: Build, row: Row) -> None:
    release = build(row("1"))
    release.document["files"].pop(1)
    with pytest.raises(ValueError, match=r"the release lists no file recordings\.parquet"):
        write_croissant(sheet_of(release))


def test_same_facts_give_the_same_bytes(build: Build, row: Row) -> None:
    one, two = row("1"), row("2", language="de", license=None)
    assert write_croissant(sheet_of(build(one, two))) == write_croissant(sheet_of(build(two, one)))


def test_both_cards_say_the_same(build: Build, row: Row) -> None:
    release = build(row("1", samples=3), row("2", "validation", samples=2, isolation="undetermined", language=None))
    facts = sheet_of(release)
    readme, croissant = write_readme(facts), json.loads(write_croissant(facts))
    index, recordings = release.index.to_pylist(), release.recordings.to_pylist()
    speakers = {row[side] for row in recordings for side in ("speaker_a", "speaker_b")}
    minutes = sum(row["end_s"] - row["start_s"] for row in index) / 60
    figures = f"{len(index)} samples ({minutes:.1f} minutes) from {len(recordings)} conversations of {len(speakers)} speakers."
    assert figures == "5 samples (2.5 minutes) from 2 conversations of 4 speakers."
    assert figures in readme
    assert figures in croissant["description"]
    assert [
        line.removeprefix("- ") for line in readme.splitlines() if line.startswith("- ") and line.endswith(".")
    ] == (croissant["rai:dataLimitations"])
    assert f"# {croissant['name']} {croissant['version']}" in readme
    assert release.document["ledger"]["checkpoint"].split("\n")[2] in readme
    assert release.document["ledger"]["checkpoint"].split("\n")[2] in croissant["rai:personalSensitiveInformation"][0]


def plain(value: Any) -> Any:
    """What mlcroissant gives, as Parquet gives it: texts for bytes, the last part of a name for the whole."""
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name.rpartition("/")[2]: plain(part) for name, part in value.items()}
    return value


def test_columns_that_an_earlier_version_did_not_write_are_not_described(build: Build, row: Row) -> None:
    release = build(row("1"))
    later = {"index": ["backchannels", "words"], "recordings": ["gain_db"]}
    release.index = release.index.drop_columns(later["index"])
    release.recordings = release.recordings.drop_columns(later["recordings"])
    document = json.loads(write_croissant(sheet_of(release)))
    described = {
        record_set["name"]: [field["name"] for field in record_set["field"]] for record_set in document["recordSet"]
    }
    assert described["index"] == [name for name in INDEX.names if name not in later["index"]]
    assert described["recordings"] == [name for name in RECORDINGS.names if name not in later["recordings"]]


def test_every_record_set_is_read_with_the_values_of_its_table(
    build: Build, row: Row, write: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    kinds = [
        {"kind": "gap", "speaker": "a", "events": 2, "seconds": 0.5},
        {"kind": "turn", "speaker": "b", "events": 3, "seconds": 12.0},
    ]
    tags = [{"tag": "filler", "speaker": "a", "words": 4}]
    release = build(
        row("1", kinds=kinds, word_tags=tags, said_words_a=7, swap_found=True, swap_s=1.5),
        row("2", "validation", language=None, ftos_s=[], ftos_a_s=[], ftos_b_s=[]),
        row("3", kinds=kinds[:1], purposes=["a", "b"]),
    )
    write(release, tmp_path)
    (tmp_path / "croissant.json").write_text(write_croissant(sheet_of(release, **PUBLICATION)))
    dataset = mlc.Dataset(jsonld=tmp_path / "croissant.json")
    assert (dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.warnings) == (set(), set())
    tables = {"index": release.index, "recordings": release.recordings, "events": EVENTS.empty_table()}
    assert {record_set.uuid for record_set in dataset.metadata.record_sets} == tables.keys() | {"splits", "tokens"}
    keys = [each["tokens/key"] for each in dataset.records("tokens")]
    assert sorted(key.decode() for key in keys) == sorted(release.index["key"].to_pylist())
    assert [each["splits/name"] for each in dataset.records("splits")] == ["train", "validation"]
    for name, table in tables.items():
        assert [plain(record) for record in dataset.records(name)] == table.to_pylist()


def issues_and_files(build: Build, row: Row, shards: int) -> tuple[Any, dict[str, Any], str]:
    """A made-up release with so many shards: what mlcroissant says, the card, and the list of hashes."""
    release = build(row("1", samples=shards))
    release.document["shards"] = [
        {
            "path": f"shards/train-{number:05d}-{number:012x}.tar",
            "split": "train",
            "sha256": f"{number:064x}",
            "bytes": 10240,
            "samples": 1,
            "duration_s": 30.0,
        }
        for number in range(shards)
    ]
    release.document["splits"]["train"]["shards"] = shards
    release.document["totals"]["bytes"] = 10240 * shards
    sheet = sheet_of(release, **PUBLICATION)
    card = json.loads(write_croissant(sheet))
    return issues_of(json.dumps(card)), card, write_checksums(sheet)


@pytest.mark.parametrize(("shards", "listed"), [(1000, 1000), (1200, 0)])
def test_every_shard_has_its_hash_in_the_card_or_in_the_list_that_the_card_names(
    build: Build, row: Row, shards: int, listed: int
) -> None:
    issues, card, checksums = issues_and_files(build, row, shards)
    assert issues == (set(), set())
    hashes = {each["contentUrl"]: each["sha256"] for each in card["distribution"] if "sha256" in each}
    assert len([path for path in hashes if path.endswith(".tar")]) == listed
    lines = {path: sha256 for sha256, path in (line.split("  ") for line in checksums.splitlines())}
    assert len([path for path in lines if path.endswith(".tar")]) == shards
    assert lines[f"shards/train-00999-{999:012x}.tar"] == f"{999:064x}"
    assert hashes["cards/files.sha256"] == hashlib.sha256(checksums.encode()).hexdigest()
    named = {each["@id"] for each in card["recordSet"]}
    assert ("tokens" in named) == (listed > 0)
    assert len(json.dumps(card)) < (60_000 if not listed else 1_000_000)


def test_the_list_of_hashes_is_one_that_sha256sum_checks(
    build: Build, row: Row, write: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    release = build(row("1"), row("2", "validation"))
    write(release, tmp_path)
    for path, data in write_cards(sheet_of(release)):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    check = [shutil.which("sha256sum") or "sha256sum", "--check", "--strict", "cards/files.sha256"]
    done = subprocess.run(check, check=False, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)
    with (tmp_path / "recordings.parquet").open("ab") as file:
        file.write(b"x")
    assert subprocess.run(check, check=False, capture_output=True, cwd=tmp_path).returncode == 1


def test_the_card_says_what_it_was_made_of_and_when(build: Build, row: Row) -> None:
    release = build(row("1"))
    stated = {**PUBLICATION, "date_created": "2026-03-30", "citation": "@misc{demo}"}
    first = json.loads(write_croissant(sheet_of(release, **stated)))
    assert (first["dateCreated"], first["dateModified"], first["datePublished"]) == ("2026-03-30",) * 2 + (
        "2026-04-01",
    )
    assert first["citeAs"] == "@misc{demo}"
    assert first["prov:wasDerivedFrom"] == [{"@id": f"urn:sha256:{'0' * 64}"}]
    assert first["prov:wasGeneratedBy"]["@id"] == f"urn:duologue:run:{'f' * 64}"
    assert first["prov:wasAttributedTo"] == {"@type": "prov:Agent", "prov:label": "Example Lab"}
    assert first["@context"]["prov"] == "http://www.w3.org/ns/prov#"
    release.document |= {"version": "2.0.0", "previous": {"version": "1.0.0", "sha256": "e" * 64}}
    later = json.loads(write_croissant(sheet_of(release, **stated)))
    assert {"@id": f"urn:sha256:{'e' * 64}"} in later["prov:wasDerivedFrom"]
    assert (later["version"], "dateModified" in later) == ("2.0.0", False)
    none: dict[str, Any] = {"recordings": 0, "duration_s": 0.0, "forms": {}, "jurisdictions": {}}
    asked_for = {"checked_at": "2026-05-01T10:00:00Z", "events": 9, "notices": 0}
    release.document["consent"] = {**asked_for, "coverage": dict.fromkeys(PURPOSES, none)}
    asked = sheet_of(release, **stated)
    assert json.loads(write_croissant(asked))["dateModified"] == "2026-05-01"
    assert json.loads(write_dps(asked))["provenance"]["date"] == "2026-05-01"
    assert json.loads(write_eu_summary(asked))["last_update"] == "2026-05-01"
    assert issues_of(json.dumps(later)) == (set(), set())


def test_the_version_of_the_card_changes_with_what_is_stated_and_that_of_the_data_does_not(
    build: Build, row: Row
) -> None:
    release = build(row("1"))
    cards = [
        json.loads(write_croissant(sheet_of(release, **stated))) for stated in ({}, PUBLICATION, {"funding": "us"})
    ]
    assert {card["version"] for card in cards} == {"1.0.0"}
    assert cards[0]["sdVersion"] == "1.0.0"
    assert len({card["sdVersion"] for card in cards}) == 3
    assert all(re.fullmatch(r"1\.0\.0(\+[0-9a-f]{12})?", card["sdVersion"]) for card in cards)


def test_each_property_of_rai_has_the_cardinality_of_the_specification(build: Build, row: Row) -> None:
    stated = {"collection": "By call.", "social_impact": "None known.", "acquisition": "recorded by the publisher"}
    card = json.loads(write_croissant(sheet_of(build(row("1")), **stated, **PUBLICATION)))
    found = {name.removeprefix("rai:"): value for name, value in card.items() if name.startswith("rai:")}
    one = "dataCollection dataCollectionMissingData dataCollectionRawData dataImputationProtocol dataManipulationProtocol "
    one += "dataDataManipulationProtocol dataAnnotationProtocol dataSocialImpact annotationsPerItem"
    many = "dataCollectionType dataCollectionTimeframe dataCollectionTimeFrame dataPreprocessingProtocol "
    many += "dataAnnotationAnalysis dataReleaseMaintenancePlan personalSensitiveInformation dataBiases dataLimitations "
    many += "dataUseCases machineAnnotationTools"
    assert {name for name, value in found.items() if isinstance(value, str)} == set(one.split())
    assert {name for name, value in found.items() if isinstance(value, list)} == set(many.split())
    assert found["dataCollectionType"] == ["Physical data collection"]
    assert found["dataCollection"].startswith("By call. Both speakers of every conversation allowed training_inhouse")
    read = mlc.Dataset(jsonld=card).metadata
    assert [date.date().isoformat() for date in read.data_collection_timeframe] == ["2026-03-01"]
    assert read.data_manipulation_protocol == found["dataManipulationProtocol"]
