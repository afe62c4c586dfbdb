import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from duologue_cards import write_readme
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.human_reference import HumanReferenceRules
from tests.cards.conftest import sheet_of

Row = Callable[..., dict[str, Any]]
Build = Callable[..., Any]


def readme_of(release: Any, **more: Any) -> str:
    return write_readme(sheet_of(release, **more))


def front_matter_of(text: str) -> dict[str, Any]:
    front: dict[str, Any] = DatasetCard(text).data.to_dict()  # type: ignore[no-untyped-call]
    return front


def cells_of(text: str, first: str) -> list[str]:
    """The rest of the table row whose first cell is ``first``."""
    [line] = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")[1:]]


def test_front_matter_is_read_by_huggingface_hub(build: Build, row: Row) -> None:
    front = front_matter_of(readme_of(build(row("1"), row("2", "validation", language="de"))))
    del front["dataset_info"]
    assert front == {
        "language": ["de", "en"],
        "license": "cc-by-4.0",
        "size_categories": ["n<1K"],
        "task_categories": ["audio-to-audio"],
        "pretty_name": "demo",
        "tags": ["audio", "speech", "conversation", "full-duplex", "turn-taking", "webdataset", "duologue"],
        "language_details": ["de", "en-US"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found"],
        "multilinguality": ["multilingual"],
        "configs": [
            {
                "config_name": "default",
                "data_files": [
                    {"split": "train", "path": "shards/train-*.tar"},
                    {"split": "validation", "path": "shards/validation-*.tar"},
                ],
            }
        ],
    }


def test_empty_validation_is_not_named_to_datasets_and_shown_as_empty(build: Build, row: Row) -> None:
    text = readme_of(build(row("1")))
    assert front_matter_of(text)["configs"][0]["data_files"] == [{"split": "train", "path": "shards/train-*.tar"}]
    assert cells_of(text, "validation") == ["0.0 minutes", "0", "0", "0"]


def test_a_bridge_is_shown_and_explained_and_not_named_to_datasets(build: Build, row: Row) -> None:
    release = build(row("1"), row("2", "validation"), row("3", "bridge", speaker_a=row("1")["speaker_a"]))
    text = readme_of(release)
    named = [each["split"] for each in front_matter_of(text)["configs"][0]["data_files"]]
    assert named == ["train", "validation"]
    assert cells_of(text, "bridge")[2] == "1"
    assert "between a speaker of `train` and one of `validation`" in " ".join(text.split())
    assert "`bridge`" not in readme_of(build(row("1"), row("2", "validation")))


def test_norwegian_is_not_false(build: Build, row: Row) -> None:
    assert front_matter_of(readme_of(build(row("1", language="no"))))["language"] == ["no"]


def test_no_language_is_left_out_of_the_front_matter_and_called_unknown(build: Build, row: Row) -> None:
    text = readme_of(build(row("1", language=None), row("2", language=None)))
    assert not {"language", "language_details"} & front_matter_of(text).keys()
    assert cells_of(text, "languages") == ["unknown (2)"]
    assert "- 2 of 2 conversations have no language stated." in text


def test_many_licences_are_mapped_to_those_of_the_hub(build: Build, row: Row) -> None:
    stated = ["CC-BY-4.0", "cc-by-4.0", "ODC-By-1.0", "Our agreement", None, "MIT", "Other terms", "CC-BY-4.0"]
    text = readme_of(build(*(row(str(n), license=name) for n, name in enumerate(stated))))
    assert front_matter_of(text)["license"] == ["cc-by-4.0", "mit", "odc-by", "other", "unknown"]
    assert cells_of(text, "licences") == [
        "CC-BY-4.0 (2), MIT (1), ODC-By-1.0 (1), Other terms (1), Our agreement (1), cc-by-4.0 (1), unknown (1)"
    ]


def test_no_licence_is_unknown(build: Build, row: Row) -> None:
    assert front_matter_of(readme_of(build(row("1", license=None))))["license"] == "unknown"


@pytest.mark.parametrize(("samples", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (10_000, "10K<n<100K")])
def test_size_category(build: Build, row: Row, samples: int, category: str) -> None:
    assert front_matter_of(readme_of(build(row("1", samples=samples))))["size_categories"] == [category]


def test_turn_taking_stands_beside_people_on_the_telephone(build: Build, row: Row) -> None:
    text = readme_of(build(row("1")))
    assert cells_of(text, "overlap, of the time in which anybody speaks") == ["5.3 %", "4.7 %", ""]
    assert cells_of(text, "floor transfers in overlap") == ["25.0 %", "33.5 %", ""]
    assert cells_of(text, "median floor-transfer offset (FTO)") == ["0.15 s", "0.13 s", ""]
    assert cells_of(text, "backchannels a minute") == ["4.0", "unknown", ""]
    for figure in load_rules(HumanReferenceRules).figures[:3]:
        assert f"{figure.of} ({figure.source})" in text
    assert "They come from word times, those of this release from voice activity." in text
    assert "Heldner & Edlund 2010" in text
    assert "Stivers et al. 2009" in text


def test_turn_taking_of_another_language_is_not_compared_and_the_card_says_why(build: Build, row: Row) -> None:
    text = readme_of(build(row("1", language=None)))
    assert cells_of(text, "floor transfers in overlap") == ["25.0 %", "not compared", ""]
    assert "word times" not in text
    assert "Not held against people: the reference is of en, and the languages are: not stated." in text


def test_what_cannot_be_computed_is_unknown(build: Build, row: Row) -> None:
    nothing: dict[str, Any] = {
        "speech_a_s": 0.0,
        "speech_b_s": 0.0,
        "overlap_s": 0.0,
        "overlap_share_of_speech": None,
        "ftos_s": [],
    }
    text = readme_of(build(row("1", started_at=None, **nothing)))
    assert cells_of(text, "overlap, of the time in which anybody speaks")[0] == "unknown"
    assert cells_of(text, "the same by conversation, 5th to 95th percentile")[0] == "unknown"
    assert cells_of(text, "median floor-transfer offset (FTO)")[0] == "unknown"
    assert cells_of(text, "recorded") == ["unknown"]


def test_release_not_cleared_for_redistribution_says_so(build: Build, row: Row) -> None:
    release = build(row("1"))
    assert "**Not for publication:**" in readme_of(release)
    release.document["purposes"] = ["redistribution"]
    text = readme_of(release)
    assert "allowed `redistribution` (passing the data on to others): the ledger was asked" in text
    assert "Not for publication" not in text


def test_refusals_are_listed_with_their_reasons(build: Build, row: Row) -> None:
    text = readme_of(build(row("1"), rejected={"audio_missing": 2, "consent_refused": 1}))
    assert "4 recordings read, 1 written, 3 refused." in text
    assert cells_of(text, "`audio_missing`") == ["2"]
    assert "1 recording read, 1 written, 0 refused." in readme_of(build(row("1"), rejected={}))


def test_words_of_the_manifest_cannot_break_the_page(build: Build, row: Row) -> None:
    nasty = "`a` | b\n| <script>alert(1)</script> ![x](y) &lt;"
    body = readme_of(build(row("1", corpus=nasty))).split("---\n", 2)[2]
    html = MarkdownIt("commonmark").enable("table").render(body)
    assert "<td>`a` | b | &lt;script&gt;alert(1)&lt;/script&gt; ![x](y) &amp;lt; (1)</td>" in html


def test_publication_appears_when_it_is_known(build: Build, row: Row) -> None:
    release = build(row("1"))
    assert cells_of(readme_of(release), "creator") == ["unknown"]
    assert "- Not stated: creator, web address, date of publication." in readme_of(release)
    text = readme_of(release, creator="Example Lab", url="https://example.org", date_published="2026-04-01")
    assert [cells_of(text, name) for name in ("creator", "web address", "first published")] == [
        ["Example Lab"],
        ["https://example.org"],
        ["2026-04-01"],
    ]
    assert "Not stated" not in text


def test_same_facts_give_the_same_bytes(build: Build, row: Row) -> None:
    one, two = row("1"), row("2", language="de", license=None)
    assert readme_of(build(one, two)) == readme_of(build(two, one, rejected={"consent_refused": 1, "audio_missing": 2}))


def test_code_on_the_card_reads_the_release(
    build: Build, row: Row, write: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    release = build(row("1", samples=7), row("2", "validation"))
    text = readme_of(release)
    folder = tmp_path / "DATASET"
    folder.mkdir()
    write(release, folder)
    (folder / "README.md").write_text(text)
    (folder / "dataset.json").write_text(json.dumps(release.document))
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 4
    check = "import numpy; print(numpy.shape(codes), about['recording_id'], len(list(samples)))\n"
    of_batches = "print(tuple(codes.shape), frames.tolist(), sorted(batch['keys']))\n"
    checks = (check, of_batches, check, check)
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    printed = subprocess.run(
        [sys.executable, "-c", "".join(part for pair in zip(blocks, checks, strict=True) for part in pair)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    one, several = "(2, 8, 375) call-0001 7", "of the workers of all ranks together, 1 worker at most"
    first, batch, *others = printed.splitlines()
    assert [first, *others] == [one] * 3
    assert re.fullmatch(r"\([12], 2, 8, 375\) \[375(, 375)?\] \['1-0000\d'(, '1-0000\d')?\]", batch)
    assert several in text


def test_isolation_is_told_by_verdict_level_and_fault(build: Build, row: Row) -> None:
    found = {"swap_found": True, "other_voice_a_found": False}
    text = readme_of(build(row("1", isolation="warn", bleed_db_a_from_b=-17.25, floor_db_a_from_b=-30.0, **found)))
    assert cells_of(text, "`warn`")[-1] == "1"
    assert "Policy `refuse-fail`: recordings that `fail` were refused." in text
    assert cells_of(text, "the other voice seen at") == ["1", "", "-17.2 dB", ""]
    assert cells_of(text, "not seen, and would have been above") == ["0", "", "", ""]
    assert cells_of(text, "cannot be judged") == ["1", "", "", ""]
    assert cells_of(text, "the speakers change tracks") == ["1", "0", "0"]
    assert cells_of(text, "more than one voice in track a (pyannote.audio)") == ["0", "1", "0"]
    assert "more than one voice in track b" not in text


# The keys of datasetcard.md of the Hub, and the headings of its template that are not optional.
KEYS = """language language_details license license_name license_link tags annotations_creators language_creators multilinguality
pretty_name size_categories source_datasets task_categories task_ids configs dataset_info extra_gated_fields extra_gated_prompt"""
HEADINGS = """## Uses|### Direct use|### Out-of-scope use|## Dataset structure|## Dataset creation|### Curation rationale|### Source data|
#### Data collection and processing|#### Who are the source data producers?|### Annotations|#### Annotation process|
#### Who are the annotators?|#### Personal and sensitive information|## Bias, risks, and limitations|### Recommendations|## Citation|
## Dataset card authors|## Dataset card contact"""
STATED = {
    "gating_text": "Do not identify anybody.",
    "acquisition": "recorded by the publisher",
    "contact": "data@example.org",
    "curation_rationale": "Nobody had such data",
    "citation": "@misc{ours,\n  title = {Ours}\n}",
}


def test_the_yaml_has_keys_of_the_hub_only(build: Build, row: Row) -> None:
    front = yaml.safe_load(readme_of(build(row("1", license="Our own")), **STATED).split("---")[1])
    assert front.keys() - set(KEYS.split()) == set()
    assert front["source_datasets"] == ["original"]
    assert front["extra_gated_prompt"] == "Do not identify anybody."
    assert front["extra_gated_fields"] == {
        "I agree to not attempt to determine the identity of speakers in this dataset": "checkbox"
    }


@pytest.mark.parametrize("stated", [{}, STATED])
def test_every_heading_of_the_hubs_template_is_there_and_says_something(
    build: Build, row: Row, stated: dict[str, Any]
) -> None:
    lines = readme_of(build(row("1")), **stated).splitlines()
    headings = [line for line in lines if line.startswith("#")]
    assert [each for each in HEADINGS.replace("\n", "").split("|") if each not in headings] == []
    assert [
        a
        for a, b in itertools.pairwise(headings)
        if lines.index(b) - lines.index(a) <= 2 and a.count("#") >= b.count("#")
    ] == []


def test_what_a_person_stated_stands_where_the_template_wants_it(build: Build, row: Row) -> None:
    text = readme_of(build(row("1")), **STATED)
    assert "### Curation rationale\n\nNobody had such data.\n" in text
    assert "## Dataset card contact\n\ndata@example.org.\n" in text
    assert "```bibtex\n@misc{ours,\n  title = {Ours}\n}\n```" in text
    assert "### Direct use\n\nUnknown: nobody has stated what it is meant for.\n" in text
    assert (
        "Consent does not cover passing it on to others, identifying a speaker or imitating a speaker's voice." in text
    )


def test_the_picture_is_shown_with_its_text(build: Build, row: Row) -> None:
    (text, path), *others = re.findall(r"!\[(.*?)\]\((.*?)\)", readme_of(build(row("1"))))
    assert (path, others) == ("cards/picture.svg", [])
    assert text.startswith("Floor-transfer offsets of 4 floor transfers: 25.0 % begin in overlap")


def test_who_loads_audio_with_datasets_is_told_what_it_needs(build: Build, row: Row) -> None:
    release = build(row("1"))
    assert "torchcodec" not in readme_of(release)
    release.document["include_audio"] = True
    assert "With audio in the shards `datasets` needs `torchcodec`" in readme_of(release)


def test_a_voice_has_no_voice(build: Build, row: Row) -> None:
    text = readme_of(build(row("1", synthetic=True)))
    assert "identifying a voice or imitating a voice." in text
    assert "voice's voice" not in text


def test_after_a_withdrawal_the_first_version_and_this_one_each_have_their_date(build: Build, row: Row) -> None:
    release = build(row("1"))
    stated = {"date_published": "2026-04-01", "date_created": "2026-03-30"}
    assert cells_of(readme_of(release, **stated), "this version") == ["1.0.0, the first, made on 2026-03-30"]
    assert cells_of(readme_of(release), "this version") == ["1.0.0, the first"]
    nobody = {"recordings": 0, "duration_s": 0.0, "forms": {}, "jurisdictions": {}}
    purposes = ("recording", "training_inhouse", "redistribution", "speaker_identification", "likeness")
    release.document |= {
        "version": "2.0.0",
        "previous": {"version": "1.0.0", "sha256": "0" * 64},
        "consent": {
            "checked_at": "2026-05-01T00:00:00Z",
            "events": 9,
            "notices": 0,
            "coverage": dict.fromkeys(purposes, nobody),
        },
    }
    text = readme_of(release, **stated)
    assert cells_of(text, "first published") == ["2026-04-01"]
    assert cells_of(text, "this version") == ["2.0.0, made by a withdrawal on 2026-05-01, from 1.0.0"]
    assert cells_of(text, "who withdrew since, and receipts") == ["`revocations.jsonl` and `receipts/`"]


def test_what_is_not_enough_is_not_rounded_to_enough(build: Build, row: Row) -> None:
    """Three registers of nearly the same length are 2.998 effective ones."""
    rows = [row(name, register=name, duration_s=length_s) for name, length_s in (("a", 120), ("b", 125), ("c", 132))]
    verdict, why = cells_of(readme_of(build(*rows)), "`register_coverage`")
    assert (verdict, why[:24]) == ("**fail**", "2.99 effective registers")


def test_a_place_of_few_speakers_is_not_told_by_what_stands_beside_it(build: Build, row: Row) -> None:
    """Of 14 speakers 6 are of DE and 6 of FR: who else there is would be the difference; and the next version has one less."""
    places = ["DE"] * 3 + ["FR"] * 3
    large = [row(str(number), jurisdiction_a=place, jurisdiction_b=place) for number, place in enumerate(places)]
    small = [row("small", jurisdiction_a="AT", jurisdiction_b="AT")]
    why = "not counted out, as a place has fewer than 5"
    assert cells_of(readme_of(build(*large)), "speakers by jurisdiction") == ["DE (6), FR (6)"]
    assert cells_of(readme_of(build(*large, *small)), "speakers by jurisdiction") == [
        f"DE ({why}), FR ({why}), AT ({why})"
    ]
    later = build(*large)
    later.document |= {"previous": {"version": "0.9.0", "sha256": "0" * 64}}
    assert cells_of(readme_of(later), "speakers by jurisdiction") == [
        "DE (not counted out after a withdrawal), FR (not counted out after a withdrawal)"
    ]
