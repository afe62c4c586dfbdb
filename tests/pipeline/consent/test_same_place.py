"""Where a track lies, told without opening it; and which files of one size are one."""

import os
from pathlib import Path

import pytest

from duologue_pipeline.consent import same_place
from duologue_pipeline.consent.same_place import Candidate, byte_equal, file_size, track_places
from duologue_pipeline.files.file_fault import StoreFaultError
from tests.object_store import ENDPOINTS, Kind, serve_store


def shares(a: str | Path, b: str | Path, channels: tuple[int, int] = (0, 0)) -> bool:
    return not set(track_places(str(a), channels[0])).isdisjoint(track_places(str(b), channels[1]))


def test_one_local_file_by_any_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "call #1 %20.wav"
    file.write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "soft.wav").symlink_to(file)
    os.link(file, tmp_path / "hard.wav")
    monkeypatch.setattr(Path, "open", None)  # nothing may be opened
    for other in (
        file,
        tmp_path / "sub" / ".." / file.name,
        tmp_path / "soft.wav",
        tmp_path / "hard.wav",
        file.as_uri(),
    ):
        assert shares(file, other), other
    assert not shares(file, file, channels=(0, 1))
    assert not shares(file, tmp_path / "other.wav")


def test_a_file_that_is_not_there_has_its_name(tmp_path: Path) -> None:
    assert shares(tmp_path / "missing.wav", tmp_path / "." / "missing.wav")
    assert list(track_places("\0", 0)) == []
    assert file_size("\0") is None
    assert file_size(str(tmp_path)) is None
    assert file_size("https://example.org/a.wav") is None


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("https://example.org/a.wav", "HTTPS://Example.org:443/a.wav", True),
        ("https://example.org/a.wav", "http://example.org:80/a.wav", True),
        ("https://example.org/a.wav#t=1", "https://user:secret@example.org/a.wav", True),
        ("https://b.s3.test/a.wav?X-Amz-Signature=1&X-Amz-Date=2", "https://b.s3.test/a.wav?X-Amz-Signature=3", True),
        ("https://b.test/a.wav?sp=r&se=1&sig=x", "https://b.test/a.wav", True),
        ("https://example.org/get?sp=1", "https://example.org/get?sp=2", False),
        ("https://example.org/take%201.wav", "https://example.org/take 1.wav", True),
        ("gs://anonymous@bucket/a.wav", "gs://bucket/a.wav", True),
        ("https://example.org/get?id=1", "https://example.org/get?id=2", False),
        ("https://example.org/get?a=1&b=2", "https://example.org/get?b=2&a=1", True),
        ("https://example.org/A.wav", "https://example.org/a.wav", False),
        ("gs://bucket/take#1.wav", "GS://bucket/take#1.wav", True),
        ("gs://bucket/take#1.wav", "gs://bucket/take#2.wav", False),
    ],
)
def test_remote_files_by_their_uri(a: str, b: str, same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_place, "_object_mark", lambda uri: None)
    assert shares(a, b) is same


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_objects_by_what_the_store_says_of_their_bytes(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_store(kind, "duologue-marks") as bucket:
        for name, content in (("one", b"123456789"), ("copy", b"123456789"), ("other", b"987654321")):
            bucket.put(f"{name}.wav", content)
        assert shares(f"{bucket.uri}/one.wav", f"{bucket.uri}/copy.wav")
        assert not shares(f"{bucket.uri}/one.wav", f"{bucket.uri}/other.wav")
        assert not shares(f"{bucket.uri}/gone.wav", f"{bucket.uri}/lost.wav")
        monkeypatch.setattr("time.sleep", lambda _: None)
        monkeypatch.setenv(ENDPOINTS[kind], "http://127.0.0.1:9")
        with pytest.raises(StoreFaultError):  # a refused track could go unnoticed
            shares(f"{bucket.uri}/one.wav", f"{bucket.uri}/copy.wav")


def files(folder: Path, **contents: bytes) -> dict[str, str]:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return {name: str(folder / name) for name in contents}


def test_files_of_one_size_are_compared_to_their_end(tmp_path: Path) -> None:
    long = bytes(200_000)
    uris = files(tmp_path, a=long, b=long, c=long[:-1] + b"x", d=b"x" + long[1:])
    tracks = [Candidate(uris["a"], 0, "refused", True), *(Candidate(uris[name], 0, name, False) for name in "bcd")]
    assert byte_equal(tracks) == byte_equal(tracks[::-1]) == (("b", ("refused",)),)
    other_channel = [Candidate(uris["a"], 1, "refused", True), Candidate(uris["b"], 0, "b", False)]
    assert byte_equal(other_channel) == ()


@pytest.mark.parametrize("is_refused", [True, False])
def test_nothing_is_opened_where_there_is_nothing_to_compare(
    is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uris = files(tmp_path, a=b"x", b=b"x")
    monkeypatch.setattr(Path, "open", None)
    assert byte_equal(Candidate(uri, 0, name, is_refused) for name, uri in uris.items()) == ()


def test_a_file_that_cannot_be_read_is_like_none(tmp_path: Path) -> None:
    uris = files(tmp_path, a=b"x")
    tracks = [Candidate(uris["a"], 0, "a", False), Candidate(str(tmp_path / "gone"), 0, "refused", True)]
    assert byte_equal(tracks) == ()
