"""The documents: the keys of the contract, views of the same facts, and nothing guessed."""

import json
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from rdflib.namespace import ODRL2

from duologue_cards import Sheet, document_faults, write_cards
from duologue_cards.documents.training_mining import training_mining
from duologue_schemas import iter_faults
from tests.cards.conftest import commitment, sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]

STATED = {"publisher": "Example | Lab", "contact": "data@example.org", "date_published": "2026-04-01"}


def texts(sheet: Sheet) -> dict[str, str]:
    return {path: data.decode() for path, data in write_cards(sheet)}


@pytest.fixture
def release(build: Build, row: Row) -> Any:
    return build(row("1", said_words_a=7, jurisdiction_a="DE"), row("2", "validation", isolation="warn"))


def test_these_are_the_documents(release: Any) -> None:
    names = "ab2013.json ab2013.md consent_statement.json content-usage.txt datasheet.json datasheet.md dps.json "
    names += (
        "eu_summary.json eu_summary.md facts.json files.sha256 picture.svg requirements.json rsl.xml usage.odrl.json"
    )
    assert sorted(texts(sheet_of(release))) == [
        "README.md",
        *(f"cards/{name}" for name in names.split()),
        "croissant.json",
    ]
    assert texts(sheet_of(release, **STATED)).keys() - texts(sheet_of(release)).keys() == {"cards/dataset.yaml"}
    release.document |= {"previous": {"version": "0.9.0", "sha256": "0" * 64}}
    assert json.loads(texts(sheet_of(release))["cards/changes.json"])["previous"]["version"] == "0.9.0"


def test_facts_follow_their_schema_and_say_why_they_are_unknown(release: Any) -> None:
    document = json.loads(texts(sheet_of(release))["cards/facts.json"])
    assert list(iter_faults("facts", document)) == []
    facts = document["facts"]
    values = {
        name: facts[name]["value"]
        for name in ("samples", "recordings", "speakers", "words", "isolation_warn", "overlap_s")
    }
    assert values == {"samples": 4, "recordings": 2, "speakers": 4, "words": 7, "isolation_warn": 1, "overlap_s": 12.0}
    assert facts["effective_speakers"]["value"] == pytest.approx(4)
    assert facts["overlap_share_of_speech"]["n"] == 2
    assert facts["stated.publisher"] == {"value": None, "unknown": "nobody has stated it in dataset.yaml"}
    assert facts["consent_likeness_recordings"]["unknown"].endswith("`duologue card build --ledger` asks")


def test_no_speaker_and_no_small_group_is_on_any_card(release: Any) -> None:
    everything = "".join(texts(sheet_of(release, **STATED)).values())
    assert not [name for name in ("1a", "1b", "2a", "2b") if commitment(name) in everything]
    assert "DE (1)" not in everything
    assert "DE (not counted out, as a place has fewer than 5)" in everything


def test_ab2013_answers_twelve_items(release: Any) -> None:
    found = texts(sheet_of(release))
    items = json.loads(found["cards/ab2013.json"])["items"]
    assert list(items) == sorted(map(str, range(1, 13)))
    assert (items["11"]["answer"], items["11"]["basis"]) == (None, "unknown")
    assert {item["basis"] for item in items.values()} <= {"computed", "stated", "unknown"}
    assert [int(n) for n in re.findall(r"^(\d+)\. ", found["cards/ab2013.md"], re.MULTILINE)] == list(range(1, 13))


def test_the_eu_row_says_the_band_and_guesses_no_source(release: Any) -> None:
    row = json.loads(texts(sheet_of(release))["cards/eu_summary.json"])
    assert row["general"]["modalities"]["audio"]["size"] == "less than 10 000 hours"
    assert {each["answer"] for each in row["sources"].values()} == {"unknown"}
    bought = json.loads(texts(sheet_of(release, acquisition="bought from a vendor"))["cards/eu_summary.json"])[
        "sources"
    ]
    assert [name for name, each in bought.items() if each["answer"] == "yes"] == ["2.2.2"]
    release.document["totals"]["duration_s"] = 36e6
    row = json.loads(texts(sheet_of(release))["cards/eu_summary.json"])
    assert row["general"]["modalities"]["audio"]["size"] == "10 000 to 1 million hours"


def test_the_datasheet_has_seven_sections_and_says_why(release: Any) -> None:
    sections = json.loads(texts(sheet_of(release))["cards/datasheet.json"])["sections"]
    assert sorted(sections) == sorted(
        ["motivation", "composition", "collection", "preprocessing", "uses", "distribution", "maintenance"]
    )
    answers = [answer for section in sections.values() for answer in section]
    assert len(answers) >= 50
    assert all(("why" in answer) == (answer["basis"] == "unknown") for answer in answers)


@pytest.mark.parametrize(("purpose", "usage"), [("training_inhouse", "n"), ("redistribution", "y")])
def test_machines_are_told_what_consent_allows(release: Any, purpose: str, usage: str) -> None:
    release.document["purposes"] = [purpose]
    found = texts(sheet_of(release, **STATED))
    assert found["cards/content-usage.txt"].splitlines()[0] == f"Content-Usage: train-ai={usage}"
    space = "{https://rslstandard.org/rsl}"
    license_ = ElementTree.fromstring(found["cards/rsl.xml"]).find(f"{space}content/{space}license")
    assert license_ is not None
    terms = [(each.tag.removeprefix(space), each.attrib["type"], each.text) for each in license_]
    allowed = [("permits", "usage", "ai-train"), ("legal", "warranty", "privacy-consent")]
    assert terms == [
        *(allowed if usage == "y" else [("prohibits", "usage", "ai-all")]),
        ("legal", "contact", "data@example.org"),
    ]
    offer = json.loads(found["cards/usage.odrl.json"])
    assert {k: v for k, v in offer.items() if k != "@context"} == json.loads(found["croissant.json"])["usageInfo"]


def test_consent_is_stated_by_purpose(release: Any) -> None:
    statement = json.loads(texts(sheet_of(release))["cards/consent_statement.json"])
    assert statement["coverage"]["training_inhouse"] == {"recordings": 2, "duration_s": 120.0}
    assert "unknown" in statement["coverage"]["redistribution"]
    assert {"coverage", "regimes", "redress", "withdrawal", "checked_at", "ledger"} <= statement.keys()


def consent_of(**recordings: int) -> dict[str, Any]:
    """What dataset.json says of consent: purpose -> conversations, each of 30 s; all others have none."""

    def cell(count: int) -> dict[str, Any]:
        return {"fewer_than": 5} if count == 1 else {"recordings": count, "duration_s": 30.0 * count}

    names = ("recording", "training_inhouse", "redistribution", "speaker_identification", "likeness")
    coverage = {
        name: {
            **cell(recordings.get(name, 0)),
            "forms": {"audio": cell(recordings.get(name, 0))},
            "jurisdictions": {"DE": {"fewer_than": 5}},
        }
        for name in names
    }
    return {"checked_at": "2026-02-21T10:00:00Z", "events": 20, "notices": 2, "coverage": coverage}


def test_consent_of_every_purpose_comes_from_the_ledger_and_few_are_not_counted_out(release: Any) -> None:
    release.document["consent"] = consent_of(recording=2, training_inhouse=2, redistribution=1)
    found = texts(sheet_of(release))
    statement = json.loads(found["cards/consent_statement.json"])
    assert statement["checked_at"] == "2026-02-21T10:00:00Z"
    assert statement["coverage"]["recording"] == {"recordings": 2, "duration_s": 60.0}
    assert statement["coverage"]["likeness"] == {"recordings": 0, "duration_s": 0.0}
    assert statement["coverage"]["redistribution"] == {"unknown": "fewer than 5"}
    assert statement["coverage_by_form"]["training_inhouse"] == {"audio": {"recordings": 2, "duration_s": 60.0}}
    assert statement["coverage_by_jurisdiction"]["recording"] == {"DE": {"unknown": "fewer than 5"}}
    assert [rule["id"] for rule in statement["regimes"]["rules_by_jurisdiction"]["DE"]]
    readme = found["README.md"]
    assert "| consent was checked for the moment | 2026-02-21T10:00:00Z |" in readme
    assert "| `likeness` | 0 of 2 | 0.0 minutes |" in readme
    assert "| `redistribution` | fewer than 5 |  |" in readme


def test_the_provenance_standard_gets_what_is_known(release: Any) -> None:
    document = json.loads(texts(sheet_of(release, **STATED))["cards/dps.json"])
    assert document["source"]["version"] == "1.0.0"
    assert document["source"]["issuer"] == [{"name": "Example | Lab"}]
    assert "provenance.origin-geography" in document["unknown"]


@pytest.mark.parametrize("said", [{"route": "synthetic"}, {"synthetic": True}])
def test_synthetic_voices_are_not_called_people(build: Build, row: Row, said: dict[str, Any]) -> None:
    found = texts(sheet_of(build(row("1", **said))))
    readme = found["README.md"]
    assert "Synthetic conversations of two voices" in readme
    assert "all of them synthetic voices that are nobody's" in readme
    assert not re.search(r"conversations of two people|both speakers|voices of people", readme, re.IGNORECASE)
    assert json.loads(found["cards/ab2013.json"])["items"]["7"]["answer"].startswith("no")
    assert json.loads(found["cards/ab2013.json"])["items"]["12"]["answer"].startswith("yes: 1 of 1")
    assert json.loads(found["cards/eu_summary.json"])["sources"]["2.5"]["answer"] == "yes"
    facts = json.loads(found["cards/facts.json"])["facts"]
    assert facts["synthetic"]["value"] == {"true": 1, "false": 0, "unknown": 0}


def test_whether_voices_are_synthetic_is_known_unknown_or_both(build: Build, row: Row) -> None:
    known = [row("1", synthetic=False), row("2", synthetic=False)]
    for rows, stated, item in (
        (known, {}, ("no: the manifest says of every conversation that its voices are not synthetic", "computed")),
        ([*known, row("3")], {}, (None, "unknown")),
        ([*known, row("3")], {"synthetic_generation": False}, ("no", "stated")),
        ([*known, row("3", synthetic=True)], {}, ("yes: 1 of 3 conversations are synthetic", "computed")),
    ):
        found = texts(sheet_of(build(*rows), **stated))
        twelfth = json.loads(found["cards/ab2013.json"])["items"]["12"]
        assert (twelfth["answer"], twelfth["basis"]) == item
        assert json.loads(found["cards/ab2013.json"])["items"]["7"]["answer"].startswith("yes: voices of people")
        told = json.loads(found["cards/facts.json"])["facts"]["synthetic_recordings"]["value"]
        assert told == (None if item[1] == "unknown" else len(rows) - 2 if "yes" in str(item[0]) else 0)


def test_in_a_table_of_an_earlier_version_the_route_tells_alone(build: Build, row: Row) -> None:
    release = build(row("1", route="synthetic"), row("2"))
    release.recordings = release.recordings.drop_columns(["synthetic"])
    facts = json.loads(texts(sheet_of(release))["cards/facts.json"])["facts"]
    assert facts["synthetic"]["value"] == {"true": 1, "false": 0, "unknown": 1}


def rules_of(offer: dict[str, Any], kind: str) -> list[tuple[str, list[str]]]:
    """Each rule as its action and the purposes that it is about."""
    return [
        (
            rule["odrl:action"]["@id"].rpartition("/")[2],
            [each["@id"] for part in rule.get("odrl:constraint", []) for each in part["odrl:rightOperand"]],
        )
        for rule in offer[f"odrl:{kind}"]
    ]


def test_the_offer_permits_the_purposes_of_consent_and_prohibits_every_other(build: Build, row: Row) -> None:
    release = build(row("1", license="CC-BY-NC-SA-4.0"), row("2", "validation", license="CC-BY-ND-4.0"))
    offer = json.loads(texts(sheet_of(release, **STATED))["cards/usage.odrl.json"])
    purpose = "urn:duologue:purpose:"
    assert rules_of(offer, "permission") == [("use", [f"{purpose}training_inhouse"])]
    others = ("recording", "redistribution", "speaker_identification", "likeness")
    assert rules_of(offer, "prohibition") == [
        ("use", [f"{purpose}{name}" for name in others]),
        ("distribute", []),
        ("sell", []),
        ("ns#CommercialUse", []),
        ("ns#DerivativeWorks", []),
    ]
    duties = [duty["odrl:action"]["@id"].rpartition("#")[2] for duty in offer["odrl:permission"][0]["odrl:duty"]]
    assert duties == ["Attribution", "ShareAlike"]
    assert offer["odrl:assigner"]["http://www.w3.org/2006/vcard/ns#fn"] == "Example | Lab"


def test_every_term_of_the_offer_is_in_the_vocabulary_of_odrl_or_of_creative_commons(release: Any) -> None:
    release.document["purposes"] = ["redistribution", "training_inhouse"]
    offer = json.loads(texts(sheet_of(release))["cards/usage.odrl.json"])
    text = json.dumps(offer)
    terms = set(re.findall(r'"odrl:(\w+)"', text)) | set(re.findall(r"ns/odrl/2/(\w+)", text))
    assert [term for term in terms if term not in ODRL2] == []
    assert set(re.findall(r"creativecommons\.org/ns#(\w+)", text)) <= {
        "Attribution",
        "ShareAlike",
        "CommercialUse",
        "DerivativeWorks",
    }
    assert ("distribute", []) in rules_of(offer, "permission")
    assert "distribute" not in [action for action, _ in rules_of(offer, "prohibition")]
    assert all(rule["odrl:target"]["@id"] for kind in ("permission", "prohibition") for rule in offer[f"odrl:{kind}"])


def test_crawlers_read_tokens_that_rsl_and_aipref_know(build: Build, row: Row) -> None:
    release = build(row("1", license="CC-BY-NC-4.0"))
    release.document["purposes"] = ["redistribution"]
    found = texts(sheet_of(release, **STATED, url="https://example.org/a?b=1&c", payment="free"))
    root = ElementTree.fromstring(found["cards/rsl.xml"])
    known: dict[tuple[str, str], set[str | None]] = {
        ("permits", "usage"): {"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"},
        ("prohibits", "usage"): {"all", "ai-all", "ai-train", "ai-input", "ai-index", "search"},
        ("permits", "user"): {"commercial", "non-commercial", "education", "government", "personal"},
        ("legal", "warranty"): {"ownership", "authority", "no-infringement", "privacy-consent", "no-malware"},
        ("payment", "free"): {None},
        ("legal", "contact"): {"data@example.org"},
    }
    terms = [
        (each.tag.rpartition("}")[2], each.attrib["type"], each.text) for each in root.iter() if "type" in each.attrib
    ]
    assert [(tag, type_, text) for tag, type_, text in terms if text not in known[tag, type_]] == []
    assert ("permits", "user", "non-commercial") in terms
    assert root[0].attrib == {"url": "https://example.org/a?b=1&c"}
    header, _, *robots = found["cards/content-usage.txt"].splitlines()
    assert re.fullmatch(r"Content-Usage: train-ai=[yn]", header)
    assert robots == ["User-Agent: *", f"Content-Usage: / {header.partition(': ')[2]}"]


def offered(sheet: Sheet) -> tuple[bool, ...]:
    """Whether RSL permits, AIPREF says yes, ODRL lets it be passed on, and CAWG allows training within limits."""
    found = texts(sheet)
    actions = [action for action, _ in rules_of(json.loads(found["cards/usage.odrl.json"]), "permission")]
    trains = training_mining(sheet)["entries"]["cawg.ai_training"]["use"]
    return (
        "<permits" in found["cards/rsl.xml"],
        "train-ai=y" in found["cards/content-usage.txt"],
        "distribute" in actions,
        trains == "constrained",
    )


@pytest.mark.parametrize("license_", [None, "Our agreement"])
def test_without_a_licence_that_can_be_read_nothing_is_offered(build: Build, row: Row, license_: str | None) -> None:
    """README says that nothing is allowed there, so no other document may."""
    for rows, expected in (([row("1")], True), ([row("1"), row("2", license=license_)], False)):
        release = build(*rows)
        release.document["purposes"] = ["redistribution"]
        assert offered(sheet_of(release)) == (expected,) * 4
    assert '<prohibits type="usage">ai-all</prohibits>' in texts(sheet_of(release))["cards/rsl.xml"]


def test_nothing_is_offered_any_more_when_consent_to_passing_on_has_ended(build: Build, row: Row) -> None:
    release = build(row("1"), row("2"))
    release.document["purposes"] = ["redistribution"]
    for left, expected in ((2, True), (1, False)):
        release.document["consent"] = consent_of(recording=2, training_inhouse=2, redistribution=left)
        assert offered(sheet_of(release)) == (expected,) * 4


# Codes of specification.md, section 7, as far as they may occur here.
METHODS = {
    "primary-user-source-event",
    "feeds-file-feed-info",
    "user-generated-content-multimedia",
    "machine-generated-mlops-synthetic",
}
TECHNIQUES = {"pseudonymization", "data-redaction", "data-minimization"}
USES = {"ai-pre-training", "ai-alignment", "ai-evaluation", "ai-synthetic", "ai-other"}


def test_the_provenance_standard_has_its_codes_and_types(build: Build, row: Row) -> None:
    sheet = sheet_of(
        build(row("1"), row("2", route="synthetic")),
        **STATED,
        owner="Studio",
        acquisition="licensed from rightsholders",
        origin_countries=["DE"],
        trademark_or_patent=False,
    )
    document = json.loads(texts(sheet)["cards/dps.json"])
    assert {"version", "title", "id", "issuer", "description"} <= document["source"].keys()
    provenance, use = document["provenance"], document["use"]
    assert {"origin-geography", "date", "generation-method", "format"} <= provenance.keys()
    assert provenance["origin"] == [{"name": "Studio"}]
    assert [each["code"] for each in provenance["generation-method"]] == [
        "feeds-file-feed-info",
        "machine-generated-mlops-synthetic",
    ]
    assert {each["code"] for each in provenance["generation-method"]} <= METHODS
    assert [each["regulation"]["code"] for each in use["classification"]] == ["pi", "pci", "pfi", "pii", "phi", "spi"]
    assert [each["evaluated"] for each in use["classification"]] == [True] + 5 * [False]
    assert {each["tool-category"]["code"] for each in use["privacy-enhancing"]} == TECHNIQUES
    assert all(isinstance(each["result"], list) for each in use["privacy-enhancing"])
    assert {each["code"] for each in use["intended-purpose"]} <= USES
    assert all(each["description"] for each in use["intended-purpose"])
    assert use["license"] == ["CC-BY-4.0"]
    assert (use["patent"], use["trademark"], "copyright" in use) == ("no", "no", False)
    later = build(row("1"))
    later.document |= {"previous": {"version": "1.0.0", "sha256": "e" * 64}}
    assert "date" not in json.loads(texts(sheet_of(later, **STATED))["cards/dps.json"])["provenance"]


def test_the_datasheet_asks_every_question_of_the_template_once(release: Any) -> None:
    found = texts(sheet_of(release))
    sections = json.loads(found["cards/datasheet.json"])["sections"]
    asked = {name: len(questions) for name, questions in sections.items()}
    assert asked == {
        "motivation": 3,
        "composition": 16,
        "collection": 12,
        "preprocessing": 3,
        "uses": 5,
        "distribution": 6,
        "maintenance": 7,
    }
    questions = [each["question"] for section in sections.values() for each in section]
    assert [each for each in questions if f"**{each}**" not in found["cards/datasheet.md"]] == []
    assert {each for each in questions if questions.count(each) > 1} == {"Does the dataset relate to people?"}
    restrictions = sections["distribution"][4]
    assert restrictions["question"].startswith("Have any third parties imposed IP-based or other restrictions")
    assert restrictions["answer"] == "those of the licences: the authors are named"


def test_nothing_is_offered_any_more_where_the_ledger_says_so_since(build: Build, row: Row) -> None:
    release = build(*(row(str(number), license="CC-BY-4.0") for number in range(9)))
    release.document["purposes"] = ["redistribution"]
    release.document["consent"] = consent_of(recording=9, redistribution=9)
    assert sheet_of(release).passes_on
    release.document["consent"] = consent_of(recording=9, redistribution=8)
    found = texts(sheet_of(release, **STATED))
    why = "consent to redistribution does not cover every conversation any more, checked for 2026-02-21T10:00:00Z"
    assert found["cards/content-usage.txt"].startswith("Content-Usage: train-ai=n\n")
    assert "privacy-consent" not in found["cards/rsl.xml"]
    assert '<prohibits type="usage">ai-all</prohibits>' in found["cards/rsl.xml"]
    offer = json.loads(found["cards/usage.odrl.json"])
    assert ("distribute", []) in rules_of(offer, "prohibition")
    assert rules_of(offer, "permission") == []
    assert document_faults("cards/usage.odrl.json", found["cards/usage.odrl.json"].encode()) == []
    assert f"**Not for publication:** {why}." in found["README.md"]
    requirements = {each["id"]: each for each in json.loads(found["cards/requirements.json"])["requirements"]}
    assert requirements["redistribution_rights"]["evidence"] == why


@pytest.mark.parametrize(("said", "answer"), [({"synthetic": False}, "no"), ({}, "unknown")])
def test_two_laws_get_one_answer_on_synthetic_data(build: Build, row: Row, said: dict[str, Any], answer: str) -> None:
    found = texts(sheet_of(build(row("1", **said))))
    californian = json.loads(found["cards/ab2013.json"])["items"]["12"]["answer"]
    european = json.loads(found["cards/eu_summary.json"])["sources"]["2.5"]["answer"]
    assert european == answer
    assert (californian or "unknown").startswith(answer)


def test_rights_are_told_as_they_were_stated_and_licences_as_far_as_known(build: Build, row: Row) -> None:
    def rights(*licenses: str | None, **stated: Any) -> str:
        release = build(*(row(str(number), license=license_) for number, license_ in enumerate(licenses)))
        answer: str = json.loads(texts(sheet_of(release, **stated))["cards/ab2013.json"])["items"]["5"]["answer"]
        return answer

    assert rights("CC0-1.0", trademark_or_patent=False) == "public domain (CC0-1.0); trademark or patent: no"
    assert "of 1 conversation no licence is stated" in rights("CC-BY-4.0", None)


def test_what_is_stated_cannot_become_html(build: Build, row: Row) -> None:
    told = texts(sheet_of(build(row("1")), url="https://example.org/<script>alert(1)</script>|x"))["README.md"]
    assert "<script" not in MarkdownIt("commonmark").enable("table").render(told)


def test_ab2013_says_what_the_isolation_policy_let_pass(release: Any) -> None:
    def why(policy: str) -> str:
        release.document["isolation_policy"] = policy
        answer: str = json.loads(texts(sheet_of(release))["cards/ab2013.json"])["items"]["9"]["answer"]
        return answer.partition("so that ")[2]

    assert why("keep") == "only speech with consent is trained on"
    assert why("refuse-fail").endswith("an isolation of the tracks that the policy refuse-fail lets pass is trained on")


def test_what_is_nobodys_voice_is_not_the_voice_of_a_voice(build: Build, row: Row) -> None:
    found = texts(sheet_of(build(row("1", route="synthetic"))))
    assert "identifying a voice or imitating a voice." in found["README.md"]
    assert [path for path, text in found.items() if "voice's voice" in text] == []
