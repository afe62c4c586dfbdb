"""Tables as stewards have them: what Excel writes in any country, what programs write, and what is no table."""

import codecs
import json

import pytest

from duologue_consent.bulk.entries import COLUMNS
from duologue_consent.bulk.faults import TableError
from duologue_consent.bulk.rows import Row, Table, column_name, read_table
from duologue_consent.decisions.events import Action

KNOWN = COLUMNS[Action.GRANT]
ROWS = (
    Row(2, {"speaker": "spk-17", "purpose": ("recording", "training_inhouse"), "at": "2026-02-20T09:00:00Z"}),
    Row(3, {"speaker": "José", "purpose": ("recording",)}),
)
COMMAS = "speaker,purpose,at\nspk-17,recording;training_inhouse,2026-02-20T09:00:00Z\nJosé,recording,\n"
SEMICOLONS = 'speaker;purpose;at\nspk-17;"recording;training_inhouse";2026-02-20T09:00:00Z\nJosé;recording;\n'
TABS = COMMAS.replace(",", "\t")
DIALECTS = {
    "commas": COMMAS.encode(),
    "semicolons, as Excel writes in Europe": SEMICOLONS.encode(),
    "tabs": TABS.encode(),
    "a mark": codecs.BOM_UTF8 + COMMAS.encode(),
    "UTF-16, 'Unicode text' of Excel": TABS.encode("utf-16"),
    "UTF-16 of another byte order": codecs.BOM_UTF16_BE + TABS.encode("utf-16-be"),
    "Windows line ends": SEMICOLONS.replace("\n", "\r\n").encode(),
    "line ends of an old Mac": COMMAS.replace("\n", "\r").encode(),
    "no line end at the end": COMMAS.rstrip("\n").encode(),
    "names of columns as they are in help": COMMAS.replace("speaker,purpose,at", " --Speaker , PURPOSE,At").encode(),
    "names of columns as in manifests": COMMAS.replace("speaker,", "speaker_id,").encode(),
    "everything in quotes": "\n".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) for line in COMMAS.splitlines()
    ).encode(),
    "blanks around the values": COMMAS.replace(",", " , ").replace(";", " ; ").encode(),
    "a no-break blank": COMMAS.replace("spk-17,", "spk-17\u00a0,").encode(),
    "empty rows and columns at the end, as Excel leaves them": COMMAS.replace("\n", ",,\n").encode() + b",,,,\n,,,,\n",
}


@pytest.mark.parametrize("name", DIALECTS)
def test_every_dialect_gives_the_same_rows(name: str) -> None:
    assert read_table(DIALECTS[name], known=KNOWN) == Table(ROWS, ("speaker", "purpose", "at"), ())


def test_a_line_that_says_the_separator_is_a_row_of_the_sheet() -> None:
    found = read_table(b"sep=;\r\n" + SEMICOLONS.encode(), known=KNOWN)
    assert [(row.number, row.cells) for row in found.rows] == [(row.number + 1, row.cells) for row in ROWS]


def test_rows_are_counted_as_a_spreadsheet_does() -> None:
    found = read_table(
        b'speaker,purpose,controller\n\n"a","recording","two\r\nlines"\n,,\nb,recording,x\n', known=KNOWN
    )
    assert [row.number for row in found.rows] == [3, 5]
    assert (
        str(found.faults[0]) == "row 3, controller: 'two\\r\\nlines' holds a character that cannot be shown; remove it"
    )


def test_json_lines_give_the_same_rows() -> None:
    lines = [
        {"speaker": "spk-17", "purpose": ["recording", "training_inhouse"], "at": "2026-02-20T09:00:00Z"},
        {"speaker": "José", "purpose": "recording", "at": None},
    ]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    found = read_table(data, known=KNOWN)
    assert [row.cells for row in found.rows] == [row.cells for row in ROWS]
    assert [row.number for row in found.rows] == [1, 2]
    number = read_table(b'{"speaker": 17, "age_years": 30, "new_person": true}', known=KNOWN)
    assert number.rows[0].cells == {"speaker": "17", "age_years": "30", "new_person": "yes"}


def test_columns_of_the_steward_are_passed_over_and_named() -> None:
    found = read_table(b"speaker,purpose,x_room\na,recording,=7\n", known=KNOWN)
    assert (found.own, found.rows[0].cells, found.faults) == (
        ("x_room",),
        {"speaker": "a", "purpose": ("recording",)},
        (),
    )


def test_an_encoding_is_never_guessed() -> None:
    data = COMMAS.encode("cp1252")
    with pytest.raises(TableError) as error:
        read_table(data, known=KNOWN)
    assert "it is not utf-8 (byte 0xe9 in line 3); save it as 'CSV UTF-8', or say what it is" in str(error.value)
    assert read_table(data, known=KNOWN, encoding="cp1252").rows == ROWS


BROKEN = {
    "nothing": (b"", "it has no row; give a header and one row a speaker"),
    "only a header": (b"speaker,purpose\n", "it has no row"),
    "no header": (b"spk-17,recording\n", "row 1: has no column speaker; the first row names the columns"),
    "a column that is misspelt": (
        b"speaker,purpos\na,recording\n",
        "there is no column 'purpos'; did you mean purpose?",
    ),
    "a column that nobody knows": (
        b"speaker,favourite colour\na,red\n",
        "there is no column 'favourite colour'; known are speaker, ",
    ),
    "a column twice": (b"speaker,at,AT\na,,\n", "row 1, at: is there twice; keep one of them"),
    "a quotation mark too few": (b'speaker,purpose\n"a,recording\nb,recording\n', "row 2: cannot be read as CSV"),
    "a spreadsheet": (
        b"PK\x03\x04\0\0\0",
        "it is a workbook of a spreadsheet and no CSV; save its sheet as 'CSV UTF-8'",
    ),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1\xb1", "it is a workbook of a spreadsheet and no CSV"),
    "bytes of value 0": (
        b"speaker,purpose\na\0,b\n",
        "it holds bytes of value 0, so it is no text; export the sheet as 'CSV UTF-8'",
    ),
    "one JSON document": (b'{\n "speaker": "a"\n}\n', "row 1: the line is not JSON that can be used"),
    "a list in JSON": (b'{"speaker": "a"}\n["b"]\n', "row 2: is no JSON object; write one object a line"),
    "a field named twice": (b'{"speaker": "a", "speaker": "b"}\n', "a field is named twice: 'speaker'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_table_is_told(name: str) -> None:
    data, told = BROKEN[name]
    with pytest.raises(TableError) as error:
        read_table(data, known=KNOWN)
    assert told in str(error.value)
    assert str(error.value).endswith("and nothing was appended; correct it and run the command again")


@pytest.mark.parametrize(
    ("name", "told"), [("nonsense", "there is no encoding 'nonsense'"), ("undefined", "write another --encoding")]
)
def test_an_encoding_that_is_none_is_told(name: str, told: str) -> None:
    with pytest.raises(TableError) as error:
        read_table("speaker\nä\n".encode(), known=KNOWN, encoding=name)
    assert told in str(error.value)


CELLS = {
    "=cmd|'/C calc'!A0": "is a formula; write what it gives",
    "=1+1": "is a formula; write what it gives",
    "@SUM(A1:A9)": "is a formula; write what it gives",
    "-2+3+cmd|' /C calc'!A0": "is a formula; write what it gives",
    "4.91512E+12": "is a number that a spreadsheet has rounded; format the column as text and enter it again",
    "a\u200bb": "holds a character that cannot be shown; remove it",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_that_no_person_wrote_is_told(cell: str) -> None:
    found = read_table(f'speaker,purpose\n"{cell}",recording\nb,recording\n'.encode(), known=KNOWN)
    (fault,) = found.faults
    assert (fault.row, fault.column) == (2, "speaker")
    assert CELLS[cell] in fault.text


@pytest.mark.parametrize("speaker", ["+49 (89) 123", "-17", "@handle", "007", "1E+4x", "O'Hara", 'so-called "Jo"'])
def test_odd_ids_are_ids(speaker: str) -> None:
    written = speaker.replace('"', '""')
    found = read_table(f'speaker,purpose\n"{written}",recording\n'.encode(), known=KNOWN)
    assert found.faults == ()
    assert found.rows[0].cells["speaker"] == speaker


def test_a_row_with_a_cell_too_many_is_told() -> None:
    found = read_table(b"speaker;purpose\na;recording;likeness\nb;recording;\n", known=KNOWN)
    assert [str(fault) for fault in found.faults] == [
        "row 2: has 3 cells, and the header 2; put a cell that holds ';' in quotes"
    ]
    assert [row.number for row in found.rows] == [3]


def test_a_cell_without_end_is_told_and_not_kept() -> None:
    with pytest.raises(TableError) as error:
        read_table(b'speaker,purpose\n"' + b"a" * 200_000 + b'",recording\n', known=KNOWN)
    assert "row 2: cannot be read as CSV (field larger than field limit" in str(error.value)


@pytest.mark.parametrize("line", ["a,recording\n", '{"speaker": "a"}\n'])
def test_a_table_without_end_is_told(line: str) -> None:
    header = "" if line.startswith("{") else "speaker,purpose\n"
    data = header + line * 100_001
    assert len(read_table((header + line * 100_000).encode(), known=KNOWN).rows) == 100_000
    with pytest.raises(TableError) as error:
        read_table(data.encode(), known=KNOWN)
    assert "it has more than 100,000 rows; enter it in parts" in str(error.value)


def test_many_faults_are_counted() -> None:
    data = "speaker,purpose\n" + "".join(f"=a{number},recording\n" for number in range(50))
    lines = str(TableError(read_table(data.encode(), known=KNOWN).faults)).split("\n")
    assert len(lines) == 22
    assert lines[-2:] == [
        "and 30 more faults",
        "the table has 50 faults, and nothing was appended; correct it and run the command again",
    ]


def test_names_of_columns() -> None:
    assert [column_name(each) for each in ("--age-band", "Age Band", "AGE_BAND ")] == ["age_band"] * 3
