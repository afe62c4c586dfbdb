"""Corpora of telephone calls (LDC): Fisher, Switchboard, CallHome, Hub5, HKUST, Fisher Spanish, as they are delivered."""

from pathlib import Path

import pytest

from tests.pipeline.corpora.conftest import Prepare
from tests.pipeline.corpora.support import sphere, text

CALLDATA = """CALL_ID,DATE_TIME,TOPICID,SIG_GRADE,CNV_GRADE,APIN,ASX.DL,APHNUM,APHSET,APHTYP,BPIN,BSX.DL,BPHNUM,BPHSET,BPHTYP
00001,20021212_18:50:30,ENG01,4,4,2602,f.a,x,4,3,1790,f.o,y,4,1
11487,20030105_10:00:00,ENG02,4,4,2602,f.a,x,4,3,9999,m.a,y,4,2
"""


@pytest.fixture
def fisher(tmp_path: Path) -> tuple[Path, Path]:
    audio, transcripts = tmp_path / "fisher_eng_tr_sp", tmp_path / "fe_03_p1_tran"
    sphere(audio / "fisher_eng_tr_sp_d1/audio/000/fe_03_00001.sph")
    sphere(audio / "fe_03_p2_sph1/audio/114/fe_03_11487.sph", seed=2)
    text(audio / "fe_03_p2_sph1/filetable.txt", "fe_03_p2_sph1 fe_03_11487.sph fm\n")
    head = "# {}.sph\n# Transcribed at the LDC\n\n"
    first = head.format("fe_03_00001") + (
        "0.10 0.40 A: hello [laughter] i'm ((andy))\n\n0.60 0.90 B: uh we- well (( ))\n\n5.20 5.40 A: [mn] bye\n"
    )
    text(transcripts / "data/trans/000/fe_03_00001.txt", first)
    second = head.format("fe_03_11487") + "1.00 1.20 A: yes\n31.09 234.06 B: no\n"
    text(transcripts / "data/trans/114/fe_03_11487.txt", second)
    text(transcripts / "doc/fe_03_p1_calldata.tbl", CALLDATA)
    text(transcripts / "doc/readme.txt", "x")
    return audio, transcripts


def test_fisher_gets_its_speakers_and_times_from_calldata(fisher: tuple[Path, Path], prepare: Prepare) -> None:
    found = prepare("fisher", fisher[0], "--transcripts", fisher[1])
    assert found.exit_code == 0, found.said
    assert set(found.recordings) == {"fe_03_00001", "fe_03_11487"}
    call = found.recordings["fe_03_00001"]
    a, b = call["tracks"]
    assert [a["speaker_id"], b["speaker_id"]] == ["2602", "1790"]
    assert [a["channel"], b["channel"]] == [0, 1]
    assert a["uri"] == b["uri"]
    assert (a["sex"], a["dialect"], a["device"]) == ("female", "American English", "landline")
    assert (b["dialect"], b["device"]) == ("other English", "cell phone")
    # the moment has no zone: it may be of any
    assert (call["started_at"], call["started_before"]) == ("2002-12-12T04:50:30Z", "2002-12-13T06:50:30Z")
    assert call["source"] == {"corpus": "Fisher English", "license": "LDC User Agreement"}
    assert found.speakers["fe_03_11487", "a"] == "2602"  # the same person in both calls
    assert found.refused == {}


def test_fisher_text_has_utterance_times_marks_and_its_known_slip_mended(
    fisher: tuple[Path, Path], prepare: Prepare
) -> None:
    found = prepare("fisher", fisher[0], "--transcripts", fisher[1])
    words = found.words["fe_03_00001", "a"]
    assert words["timing"] == "utterance"
    assert words["transcribed"] == [{"start_s": 0.1, "end_s": 5.4}]
    assert [(each["word"], each.get("marks")) for each in words["words"]] == [
        ("hello", None),
        ("[laughter]", ["laughter"]),
        ("i'm", None),
        ("andy", ["unsure"]),
        ("[mn]", ["noise"]),
        ("bye", None),
    ]
    assert found.said_by("fe_03_00001", "b") == ["uh", "we-", "well", "[unintelligible]"]
    assert found.words["fe_03_11487", "b"]["words"][0]["start_s"] == 231.09


def test_fisher_without_calldata_says_what_is_missing(fisher: tuple[Path, Path], prepare: Prepare) -> None:
    found = prepare("fisher", fisher[0])
    assert found.exit_code == 2
    assert "calldata.tbl" in found.said
    assert "--anonymous-sides" in found.said
    assert not found.out.exists()
    found = prepare("fisher", fisher[0], "--anonymous-sides")
    assert found.exit_code == 0
    assert "CANNOT be said to share no speaker" in found.said
    call = found.recordings["fe_03_00001"]
    assert call["tracks"][0]["speaker_id"] == "fe_03_00001.a"
    assert (call["started_at"], call["started_before"]) == ("2002-01-01", "2006-01-01")


def test_the_sums_add_up_and_the_same_bytes_come_again(fisher: tuple[Path, Path], prepare: Prepare) -> None:
    text(fisher[0] / "holiday.jpg", "x")
    text(fisher[1] / "data/trans/000/fe_03_00002.txt", "0.1 0.2 A: hello\n")
    text(fisher[1] / "data/trans/114/fe_03_11487.txt", "garbage\n")
    first = prepare("fisher", fisher[0], "--transcripts", fisher[1])
    assert first.refused == {
        "holiday.jpg": "not_matched",
        "transcripts:data/trans/000/fe_03_00002.txt": "words_without_recording",
        "transcripts:data/trans/114/fe_03_11487.txt": "words_not_read",
    }
    assert "words_uri" not in first.recordings["fe_03_11487"]["tracks"][0]  # it costs the words, not the recording
    readme = (first.out / "README.md").read_text()
    assert "| **9** | **looked at** |" in readme
    before = {path: path.read_bytes() for path in first.out.rglob("*") if path.is_file()}
    again = prepare("fisher", fisher[0], "--transcripts", fisher[1])
    assert again.exit_code == 0, again.said
    assert {path: path.read_bytes() for path in again.out.rglob("*") if path.is_file()} == before


def test_a_map_of_the_user_counts_more_than_the_corpus(
    fisher: tuple[Path, Path], prepare: Prepare, tmp_path: Path
) -> None:
    who = text(tmp_path / "who.csv", "recording,side,speaker\nfe_03_00001,a,andy\n")
    found = prepare("fisher", fisher[0], "--transcripts", fisher[1], "--speakers", who)
    assert found.speakers["fe_03_00001", "a"] == "andy"
    assert found.speakers["fe_03_00001", "b"] == "1790"


@pytest.fixture
def switchboard(tmp_path: Path) -> Path:
    root = tmp_path / "swb1"
    sphere(root / "swb1_d1/data/sw02001.sph")
    sphere(root / "swb1_d2/data/sw04940.sph", seed=2)
    where = root / "swb_ms98_transcriptions/20/2001"
    text(
        where / "sw2001A-ms98-a-word.text",
        "sw2001A-ms98-a-0001 0.000 0.200 [silence]\nsw2001A-ms98-a-0001 0.200 0.400 [laughter-hi]\n"
        "sw2001A-ms98-a-0001 0.400 0.500 ab[solute]-\n",
    )
    text(where / "sw2001A-ms98-a-trans.text", "sw2001A-ms98-a-0001 0.0 0.5 [laughter-hi] ab[solute]-\n")
    text(where / "sw2001B-ms98-a-word.text", "sw2001B-ms98-a-0001 0.5 0.9 them_1\n")
    text(root / "swb1_docs/conv.tab", '2001, "D", 1001, 1068, 910304\n4940, "D", 1068, 1001, 910305\n')
    text(
        root / "swb1_docs/caller.tab",
        '1001, 32, "N", "FEMALE", 1954, "SOUTH MIDLAND", 1\n1068, 33, "N", "MALE", 1940, "NYC", 2\n',
    )
    text(root / "sw-ms98-dict.text", "x")
    return root


def test_switchboard_names_the_callers_and_not_the_sides(switchboard: Path, prepare: Prepare) -> None:
    found = prepare("swbd", switchboard)
    assert found.exit_code == 0, found.said
    assert found.speakers == {
        ("sw2001", "a"): "1001",
        ("sw2001", "b"): "1068",
        ("sw4940", "a"): "1068",
        ("sw4940", "b"): "1001",
    }
    a, b = found.recordings["sw2001"]["tracks"]
    assert (a["sex"], a["dialect"], b["sex"], b["dialect"]) == ("female", "SOUTH MIDLAND", "male", "NYC")
    assert found.recordings["sw2001"]["started_at"] == "1990-01-01"
    assert found.recordings["sw2001"]["started_before"] == "1993-01-01"


def test_switchboard_tables_may_be_called_as_on_the_ldcs_pages(switchboard: Path, prepare: Prepare) -> None:
    for name in ("conv", "caller"):
        (switchboard / f"swb1_docs/{name}.tab").rename(switchboard / f"swb1_docs/{name}_tab.csv")
    found = prepare("swbd", switchboard)
    assert found.speakers["sw4940", "a"] == "1068"
    assert found.recordings["sw4940"]["tracks"][0]["sex"] == "male"


def test_switchboard_words_are_those_with_word_times(switchboard: Path, prepare: Prepare) -> None:
    found = prepare("switchboard", switchboard)
    words = found.words["sw2001", "a"]
    assert words["timing"] == "word"
    assert [(w["word"], w["start_s"], w.get("marks")) for w in words["words"]] == [
        ("[laughter-hi]", 0.2, ["laughter"]),
        ("ab-", 0.4, ["partial"]),
    ]
    assert found.said_by("sw2001", "b") == ["them"]
    assert "transcripts of which another one is used" in (found.out / "README.md").read_text()
    assert found.refused == {}


def test_callhome_refuses_further_voices_and_tells_what_was_transcribed(prepare: Prepare, tmp_path: Path) -> None:
    root = tmp_path / "callhome"
    for number, split in ((4065, "train"), (4077, "evltest")):
        sphere(root / f"data/{split}/en_{number}.sph", seed=number)
    text(root / "transcrpt/train/en_4065.txt", "\n1.0 2.0 A: %um, hello &Jim\nand so on {laugh}\n2.5 3.0 B: hi --\n")
    text(root / "transcrpt/evaltest/en_4077.txt", "1.0 2.0 A: hello\n2.5 3.0 B1: and me\n")
    assert prepare("callhome", root).exit_code == 2  # nobody says who speaks
    found = prepare("callhome-english", root, "--anonymous-sides")
    assert set(found.recordings) == {"en_4065"}
    assert found.refused == {
        "data/evltest/en_4077.sph": "rejected_by_corpus",
        "transcrpt/evaltest/en_4077.txt": "rejected_by_corpus",
    }
    assert found.said_by("en_4065", "a") == ["um,", "hello", "Jim", "and", "so", "on", "[laughter]"]
    assert found.words["en_4065", "b"]["transcribed"] == [{"start_s": 1.0, "end_s": 3.0}]
    assert "With care" in found.said


def test_hub5_reads_its_reference(prepare: Prepare, tmp_path: Path) -> None:
    sphere(tmp_path / "hub5/english/en_4156.sph")
    sphere(tmp_path / "hub5/english/sw_4390.sph", seed=2)
    for name in ("en_4156", "sw_4390"):
        text(
            tmp_path / f"ref/reference/english/{name}.txt",
            "#Language: eng\n#File id: x\n\n1.0 2.0 A: <contraction e_form=\"[it=>it]['s=>is]\">it's %uh {breath}\n",
        )
    found = prepare("eval2000", tmp_path / "hub5", "--transcripts", tmp_path / "ref", "--anonymous-sides")
    assert set(found.recordings) == {"en_4156", "sw_4390"}
    assert found.said_by("en_4156", "a") == ["it's", "uh", "[breath]"]


def test_hkust_takes_time_and_speakers_from_names_and_reads_gbk(prepare: Prepare, tmp_path: Path) -> None:
    root, name = tmp_path / "hkust", "20040503_220735_A000237_B000238"
    other = "20040503_225503_A000242_B000244"
    for seed, each in enumerate((name, other)):
        sphere(root / f"audio/train/{each}.sph", seed=seed)
    said = f'#{name}\n\n0.5 1.0 A: 喂 <noise>你好</noise>\n1.5 2.0 B: <foreign language="English"> hello </foreign> ((嗯))\n'
    text(root / f"trans/train/{name}.txt", said, encoding="gbk")
    found = prepare("hkust", root, "--zone", "Asia/Shanghai")
    assert found.exit_code == 0, found.said
    assert [track["speaker_id"] for track in found.recordings[name]["tracks"]] == ["000237", "000238"]
    assert found.recordings[name]["started_at"] == "2004-05-03T14:07:35Z"
    assert found.said_by(name, "a") == ["喂", "[noise]", "你好"]
    assert [(w["word"], w.get("marks")) for w in found.words[name, "b"]["words"]] == [
        ("hello", None),
        ("嗯", ["unsure"]),
    ]


def test_fisher_spanish_reads_its_tables_and_bears_tags_with_typing_errors(prepare: Prepare, tmp_path: Path) -> None:
    audio, transcripts = tmp_path / "LDC2010S01", tmp_path / "LDC2010T04/fisher_spa_tr"
    names = ("20050908_182943_22_fsp", "20050909_182943_23_fsp")
    for seed, name in enumerate(names):
        sphere(audio / f"data/speech/{name}.sph", seed=seed)
        rows = [
            "file;unicode\tchannel;int\tstart;float\tend;float\tspeaker;unicode\tspeakerType;unicode\tspeakerDialect;unicode\ttranscript;unicode",
            ";;MM sectionTypes\t[None]",
            ";;MM sectionBoundaries\t[0.0]",
            f"{name}.sph\t0\t0.5\t1.0\tA\tfemale\tnative\taló <laugh>",
            f"{name}.sph\t1\t1.5\t2.0\tB\tmale\tnative\t<foreing langenglish okay </foreign sí",
        ]
        text(transcripts / f"data/transcripts/{name}.tdf", "\n".join(rows) + "\n")
    text(
        transcripts / "doc/fisher_spa_call.tbl",
        "call_id,d,pin_a,1,2,3,4,5,pin_b\n22,x,9001,,,,,,9002\n23,x,9001,,,,,,9003\n",
    )
    found = prepare("fisher-spanish", audio, "--transcripts", transcripts)
    assert found.exit_code == 0, found.said
    assert found.speakers["fsp_22", "b"] == "9002"
    assert found.speakers["fsp_23", "a"] == "9001"
    assert found.said_by("fsp_22", "a") == ["aló", "[laughter]"]
    assert found.said_by("fsp_22", "b") == ["okay", "sí"]
    assert found.recordings["fsp_22"]["language"] == "es"


def test_mono_is_refused(prepare: Prepare, tmp_path: Path) -> None:
    sphere(tmp_path / "x/en_4065.sph", 1)
    found = prepare("callhome", tmp_path / "x", "--anonymous-sides")
    assert found.refused == {"en_4065.sph": "not_two_channels"}
    assert found.recordings == {}


def test_talkbank_transcripts_are_read_by_participant(prepare: Prepare, tmp_path: Path) -> None:
    for seed, number in enumerate(("0053", "0082")):
        sphere(tmp_path / f"x/sp_{number}.sph", seed=seed)
        said = "@UTF8\n@Begin\n@Participants:\tA Subject, B Subject\n*A:\thola &=laughs \x15500_900\x15\n*B:\tsí . \x151500_1900\x15\n@End\n"
        text(tmp_path / f"x/sp_{number}.cha", said)
    found = prepare("callhome-spanish", tmp_path / "x", "--anonymous-sides", "--language", "es")
    assert found.exit_code == 0, found.said
    assert found.said_by("sp_0053", "a") == ["hola", "[laughter]"]
    assert found.said_by("sp_0082", "b") == ["sí"]


def test_two_tables_that_name_different_speakers_are_not_decided_between(
    fisher: tuple[Path, Path], prepare: Prepare, tmp_path: Path
) -> None:
    text(fisher[1] / "doc/fe_03_p2_calldata.tbl", CALLDATA.replace("2602", "7777", 1))
    found = prepare("fisher", fisher[0], "--transcripts", fisher[1])
    assert set(found.recordings) == {"fe_03_11487"}
    assert set(found.refused.values()) == {"speaker_ambiguous"}
    assert "'2602' and '7777'" in (found.out / "refused.jsonl").read_text()


@pytest.mark.parametrize(
    ("row", "speaker"), [("fe_03_11487,a,ann", None), ("fe_03_00001,a,", None), ("fe_03_00001,a,ann", "ann")]
)
def test_a_map_decides_between_two_tables_only_where_it_names_somebody(
    fisher: tuple[Path, Path], prepare: Prepare, tmp_path: Path, row: str, speaker: str | None
) -> None:
    text(fisher[1] / "doc/fe_03_p2_calldata.tbl", CALLDATA.replace("2602", "7777", 1))
    text(tmp_path / "who.csv", f"recording,side,speaker\n{row}\n")
    found = prepare("fisher", fisher[0], "--transcripts", fisher[1], "--speakers", tmp_path / "who.csv")
    assert found.exit_code == 0, found.said
    assert found.speakers.get(("fe_03_00001", "a")) == speaker


def test_speakers_csv_can_be_filled_in_and_given_back(prepare: Prepare, tmp_path: Path) -> None:
    for seed, number in enumerate((4065, 4077)):
        sphere(tmp_path / f"x/en_{number}.sph", seed=seed)
    some = text(tmp_path / "some.csv", "recording,side,speaker,started_at\nen_4065,a,ann,1995-03-01\nen_4065,b,bob,\n")
    found = prepare("callhome", tmp_path / "x", "--speakers", some)
    assert found.refused == {"en_4077.sph": "speaker_unknown"}
    assert found.recordings["en_4065"]["started_at"] == "1995-03-01"
    given = (found.out / "speakers.csv").read_text()
    assert given.splitlines()[0].startswith("recording,side,speaker,")
    assert "en_4077,a,," in given
    filled = text(
        tmp_path / "filled.csv", given.replace("en_4077,a,,", "en_4077,a,cat,").replace("en_4077,b,,", "en_4077,b,dan,")
    )
    (tmp_path / "out").rename(tmp_path / "first")
    found = prepare("callhome", tmp_path / "x", "--speakers", filled)
    assert set(found.speakers.values()) == {"ann", "bob", "cat", "dan"}
    assert found.refused == {}


def test_words_of_recordings_that_are_refused_are_not_written(prepare: Prepare, tmp_path: Path) -> None:
    for seed, number in enumerate((4065, 4077)):
        sphere(tmp_path / f"x/en_{number}.sph", seed=seed)
        text(tmp_path / f"x/en_{number}.txt", "1.0 2.0 A: hello\n2.0 3.0 B: hi\n")
    some = text(tmp_path / "some.csv", "recording,a,b\nen_4065,ann,bob\n")
    found = prepare("callhome", tmp_path / "x", "--speakers", some)
    assert sorted(path.name for path in (found.out / "words").iterdir()) == ["en_4065.a.json", "en_4065.b.json"]


def test_transcripts_may_lie_within_the_folder_and_links_are_told(fisher: tuple[Path, Path], prepare: Prepare) -> None:
    (fisher[0] / "LDC2004T19").symlink_to(fisher[1])
    found = prepare("fisher", fisher[0], "--anonymous-sides")
    assert found.refused == {"LDC2004T19": "not_a_file"}
    (fisher[0] / "LDC2004T19").unlink()
    fisher[1].rename(fisher[0] / "LDC2004T19")
    (found.out).rename(found.out.with_name("first"))
    found = prepare("fisher", fisher[0], "--transcripts", fisher[0] / "LDC2004T19")
    assert found.refused == {}
    assert found.speakers["fe_03_00001", "a"] == "2602"
