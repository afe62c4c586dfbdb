"""The members of a shard: plain files, and nothing else that a tar can hold."""

import io
import tarfile
from collections.abc import Callable

import pytest

from duologue_pipeline.shards.members import MemberError, SampleMembers, first_key, group_members, read_members_of
from duologue_pipeline.shards.tar import write_members


def archive(*members: tuple[str, bytes], format: int = tarfile.GNU_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def header(change: Callable[[tarfile.TarInfo], object]) -> bytes:
    info = tarfile.TarInfo("k.json")
    change(info)
    return info.tobuf(format=tarfile.GNU_FORMAT) + bytes(1024)


def read(data: bytes, max_bytes: int | None = None) -> list[SampleMembers]:
    return list(group_members(read_members_of(io.BytesIO(data), max_bytes=max_bytes or len(data))))


@pytest.mark.parametrize("length", [1, 94, 95, 96, 128, 400])
def test_samples_are_read_with_their_places_however_long_their_keys(length: int) -> None:
    buffer = io.BytesIO()
    keys = ["a" * length, "b" * length]
    ends = []
    for key in keys:
        write_members(buffer, key, {"json": b"{}", "codes.npy": b"x" * 600})
        ends.append(buffer.tell())
    data = buffer.getvalue() + bytes(1024)
    samples = read(data)
    assert [(sample.key, sample.start, sample.stop) for sample in samples] == [
        (keys[0], 0, ends[0]),
        (keys[1], ends[0], ends[1]),
    ]
    assert samples[0].members == {"json": b"{}", "codes.npy": b"x" * 600}
    assert first_key(data) == keys[0]
    assert first_key(data[ends[0] :]) == keys[1]
    assert first_key(b"") == first_key(b"x" * 512) == first_key(data[:100]) == ""


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"x" * 512, "at byte 0 is no header of a tar archive"),
        (archive(("k.json", b"{}"))[:700], "it is cut off within 'k.json'"),
        (archive(("k.json", b"{}"))[:100], "it is cut off within a header"),
        (archive(("k.json", b"{}"), ("k.json", b"{}")), "it holds k.json twice"),
        (archive(("/etc/k.json", b"")), "it holds a file named '/etc/k.json', expected KEY.json"),
        (archive(("../k.json", b"")), "it holds a file named"),
        (archive(("a/k.json", b"")), "it holds a file named"),
        (archive(("k", b"")), "it holds a file named"),
        (archive(("k\n.json", b"")), r"it holds a file named 'k\\n.json'"),
        (archive(("\u00e9" * 80 + ".json", b""), format=tarfile.PAX_FORMAT), "it holds an extended header"),
        (archive(("k" * 5000 + ".json", b"")), "it has a name of 5006 bytes"),
        (
            header(lambda info: setattr(info, "type", tarfile.SYMTYPE)),
            "it holds a symbolic link .'k.json'., and a shard only",
        ),
        (header(lambda info: setattr(info, "type", tarfile.LNKTYPE)), "it holds a hard link"),
        (header(lambda info: setattr(info, "type", tarfile.CHRTYPE)), "it holds a device"),
        (header(lambda info: setattr(info, "type", tarfile.FIFOTYPE)), "it holds a pipe"),
        (header(lambda info: setattr(info, "type", tarfile.DIRTYPE)), "it holds a folder"),
        (header(lambda info: setattr(info, "type", b"S")), "it holds a sparse file"),
        (header(lambda info: setattr(info, "size", 1 << 40)), "is said to have 1099511627776 bytes, and 1024 are left"),
        (archive(("k.json", b"{}")) + b"x", "something follows its end"),
    ],
)
def test_anything_else_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(MemberError, match=message):
        read(data)


def test_an_archive_that_is_longer_than_it_should_be_is_refused() -> None:
    data = archive(("k.json", b"{}"))
    with pytest.raises(MemberError, match="it is longer than the 1024 bytes that it should have"):
        read(data, 1024)


def test_an_archive_may_end_without_its_mark() -> None:
    assert [sample.key for sample in read(archive(("k.json", b"{}"))[:1024])] == ["k"]
