import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_schemas import LineFault, validate_manifest_lines

GOOD = b'{"recording_id": "%s", "tracks": [{"speaker_id": "a", "uri": "a.wav"}, {"speaker_id": "b", "uri": "b.wav"}]}\n'


def faults_of(*lines: bytes) -> list[LineFault]:
    return list(validate_manifest_lines(lines))


def test_valid_lines_blank_lines_and_windows_line_ends_have_no_fault() -> None:
    assert (
        faults_of(GOOD % b"1", b"\n", b"  \t\r\n", (GOOD % b"2").replace(b"\n", b"\r\n"), (GOOD % b"3").strip()) == []
    )


def test_empty_manifest_is_a_fault_of_line_0() -> None:
    expected = [LineFault(0, None, "", "the manifest holds no recording; write one JSON object a line")]
    assert faults_of() == expected
    assert faults_of(b"\n", b"  \n") == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a" 1}', "is not valid JSON at column 6: Expecting ':' delimiter; write one complete JSON object a line"),
        (b'{"a": "\xff"}', "is not UTF-8: byte 8 of the line is 0xff; save the file as UTF-8"),
        (b"[1, 2]", "found a list of 2 entries, expected an object"),
        (b"null", "found null, expected an object; give a value, or leave the field out where it is optional"),
        (b'{"a": NaN}', "is not valid JSON: it holds NaN; leave the field out where the value is not known"),
        (b'{"a": 1, "a": 2}', 'gives the field "a" twice in one object; keep one of them'),
        (b'{"a": ' + b"1" * 5000 + b"}", "holds a number of 5000 digits; correct it"),
        (b"[" * 100_000, "is nested too deeply; write the object that the recording schema describes"),
    ],
)
def test_broken_line(line: bytes, message: str) -> None:
    assert faults_of(GOOD % b"1", line) == [LineFault(2, None, "", message)]


def test_byte_order_mark_is_a_fault_and_the_rest_of_the_line_is_still_read() -> None:
    assert faults_of(b"\xef\xbb\xbf" + GOOD % b"a.b") == [
        LineFault(1, None, "", "begins with a byte order mark; save the file as UTF-8 without BOM"),
        faults_of(GOOD % b"a.b")[0],
    ]


def test_every_fault_of_every_line_is_listed() -> None:
    lines = (b'{"recording_id": "x", "tracks": [], "topik": "a"}', b"{", b'{"tracks": {}}')
    found = [(fault.line, fault.recording_id, fault.field) for fault in faults_of(*lines)]
    assert found == [
        (1, "x", "topik"),
        (1, "x", "tracks"),
        (2, None, ""),
        (3, None, "recording_id"),
        (3, None, "tracks"),
    ]


def test_repeated_id_names_the_first_line_each_time() -> None:
    assert faults_of(GOOD % b"1", GOOD % b"2", GOOD % b"1", GOOD % b"1") == [
        LineFault(3, "1", "recording_id", 'line 1 and line 3 both have "1"; give each its own id'),
        LineFault(4, "1", "recording_id", 'line 1 and line 4 both have "1"; give each its own id'),
    ]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_give_faults_and_never_an_error(line: bytes) -> None:
    assert all(fault.message and fault.line in (0, 1) for fault in validate_manifest_lines([line]))
