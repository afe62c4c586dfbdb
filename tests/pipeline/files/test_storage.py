"""Files behind uris: names, whole writes, and local copies of what is elsewhere."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.files import storage


@pytest.fixture
def web() -> Iterator[str]:
    """A web server with one file, /call.wav; /busy answers 503."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response({"/call.wav": 200, "/busy": 503}.get(self.path, 404))
            self.end_headers()
            if self.path == "/call.wav":
                self.wfile.write(b"RIFF")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("uri", "remote"),
    [("s3://bucket/a", True), ("gs://bucket/a", True), ("https://host/a", True), ("/a", False), ("file:///a", False)],
)
def test_a_uri_with_another_scheme_than_file_is_remote(uri: str, remote: bool) -> None:
    assert storage.is_remote(uri) is remote


@pytest.mark.parametrize(
    ("base", "uri", "expected"),
    [
        ("/calls/manifest.jsonl", "audio/1.wav", "/calls/audio/1.wav"),
        ("/calls/manifest.jsonl", "/elsewhere/1.wav", "/elsewhere/1.wav"),
        ("/calls/manifest.jsonl", "s3://bucket/1.wav", "s3://bucket/1.wav"),
        ("/calls/manifest.jsonl", "file:///elsewhere/1.wav", "file:///elsewhere/1.wav"),
        ("s3://bucket/calls/manifest.jsonl", "audio/1.wav", "s3://bucket/calls/audio/1.wav"),
        ("s3://bucket/calls/manifest.jsonl", "gs://other/1.wav", "gs://other/1.wav"),
        ("s3://bucket/calls/manifest.jsonl", "/local/1.wav", "/local/1.wav"),
        ("file:///calls/manifest.jsonl", "1.wav", "/calls/1.wav"),
    ],
)
def test_a_manifest_names_files_beside_itself_or_absolutely(base: str, uri: str, expected: str) -> None:
    assert storage.sibling_uri(base, uri) == expected


def test_a_local_path_becomes_absolute_and_a_remote_one_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.absolute_uri("out") == f"{tmp_path}/out"
    assert storage.absolute_uri("s3://bucket/out") == "s3://bucket/out"


@pytest.mark.parametrize(
    ("folder", "names", "expected"),
    [
        ("/out", ("shards", "a.tar"), "/out/shards/a.tar"),
        ("/out/", ("a.tar",), "/out/a.tar"),
        ("/", ("a.tar",), "//a.tar"),
        ("s3://bucket/out", ("a.tar",), "s3://bucket/out/a.tar"),
    ],
)
def test_names_are_joined_by_one_slash(folder: str, names: tuple[str, ...], expected: str) -> None:
    assert storage.join(folder, *names) == expected


# --- files ----------------------------------------------------------------------------------------------------------


def test_what_is_written_is_read_and_folders_come_into_being(tmp_path: Path) -> None:
    uri = f"{tmp_path}/new/folder/file"
    storage.write_bytes(uri, b"content")
    assert storage.exists(uri)
    assert storage.read_bytes(uri) == b"content"
    assert storage.read_bytes(f"file://{uri}") == b"content"


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with storage.open_output(f"{tmp_path}/file") as out:
        out.write(b"half")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"half"


def test_who_reads_a_file_while_it_is_replaced_reads_the_old_one(tmp_path: Path) -> None:
    storage.write_bytes(f"{tmp_path}/file", b"old")
    with storage.open_input(f"{tmp_path}/file") as stream:
        storage.write_bytes(f"{tmp_path}/file", b"new")
        assert stream.read() == b"old"
    assert storage.read_bytes(f"{tmp_path}/file") == b"new"


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(KeyError), storage.open_output(f"{tmp_path}/file") as out:
        out.write(b"half of the new")
        raise KeyError
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_file_is_moved_over_another_one(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_bytes(b"old")
    storage.move(f"{tmp_path}/new", f"{tmp_path}/folder/old")
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "folder" / "old").read_bytes() == b"new"


def test_entries_are_sorted_and_a_missing_folder_has_none(tmp_path: Path) -> None:
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "inner").touch()
    assert storage.list_entries(str(tmp_path)) == [".hidden", "a", "b", "c"]
    assert storage.list_entries(f"{tmp_path}/none") == []


def test_files_and_folders_are_deleted(tmp_path: Path) -> None:
    storage.write_bytes(f"{tmp_path}/folder/file", b"")
    storage.write_bytes(f"{tmp_path}/folder/inner/file", b"")
    storage.delete_file(f"{tmp_path}/folder/file")
    assert storage.list_entries(f"{tmp_path}/folder") == ["inner"]
    storage.delete_directory(f"{tmp_path}/folder")
    storage.delete_directory(f"{tmp_path}/folder")  # and again: it need not be there
    assert not storage.exists(f"{tmp_path}/folder")


def test_reading_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(f"{tmp_path}/none")


def test_an_unknown_scheme_is_a_usage_error() -> None:
    with pytest.raises(
        UsageError,
        match=r"^ftp://host/a: cannot be reached \(.*\); use a local path, s3:// or gs://, for audio and words also https://$",
    ):
        storage.exists("ftp://host/a")


# --- local copies ---------------------------------------------------------------------------------------------------


def test_a_local_file_is_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"RIFF")
    with storage.local_copy(f"file://{tmp_path}/call.wav") as path:
        assert path == tmp_path / "call.wav"


def test_a_file_on_the_web_is_copied_for_as_long_as_it_is_needed(web: str) -> None:
    with storage.local_copy(f"{web}/call.wav") as path:
        assert path.suffix == ".wav"
        assert path.read_bytes() == b"RIFF"
    assert not path.exists()


def test_a_missing_file_is_not_found_here_nor_on_the_web(web: str, tmp_path: Path) -> None:
    for uri in (f"{tmp_path}/none.wav", f"{web}/none.wav"):
        with pytest.raises(FileNotFoundError), storage.local_copy(uri):
            pass


@pytest.mark.parametrize("uri", ["ftp://host/call.wav", "nul\0in the name", "file://~nobody-of-this-name/call.wav"])
def test_what_can_never_be_fetched_is_an_os_error(uri: str) -> None:
    with pytest.raises(OSError, match=r"cannot be reached|not a file name"), storage.local_copy(uri):
        pass


def test_a_server_that_fails_is_an_os_error_and_not_a_missing_file(web: str) -> None:
    with pytest.raises(OSError, match="503") as raised, storage.local_copy(f"{web}/busy"):
        pass
    assert not isinstance(raised.value, FileNotFoundError)
