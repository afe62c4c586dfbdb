"""Reading from afar: the same samples as from the disk, by requests that are few and bounded, and faults in their order."""

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader import DamagedReleaseError, open_dataset
from duologue_pipeline.reader.fetch import Place, Shards
from tests.object_store import Kind, serve_store
from tests.servers import Handler, send, serve


def answer_from(folder: Path, *, ranges: bool = True) -> Callable[[Handler], None]:
    """Serves a folder, with parts of files as web servers give them."""

    def answer(handler: Handler) -> None:
        path = folder / handler.path.lstrip("/")
        if not path.is_file():
            send(handler, b"", 404)
            return
        body = path.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", handler.headers.get("Range", ""))
        if asked is None or not ranges:
            send(handler, body)
            return
        start, stop = int(asked[1]), min(int(asked[2]) + 1, len(body))
        if start >= len(body):
            send(handler, b"", 416, Content_Range=f"bytes */{len(body)}")
            return
        send(handler, body[start:stop], 206, Content_Range=f"bytes {start}-{stop - 1}/{len(body)}")

    return answer


@contextmanager
def simple_server(folder: Path) -> Iterator[str]:
    """What ``python -m http.server`` does: it gives no parts."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def read(uri: Any, **options: Any) -> list[tuple[str, bytes, bytes | None]]:
    return [(sample.key, sample.codes.tobytes(), sample.flac) for sample in open_dataset(str(uri), **options)]


@pytest.mark.parametrize("options", [{}, {"shuffle": 1}, {"where": [("segment", "==", 0)]}])
def test_a_web_server_gives_what_the_disk_gives(release: Path, options: dict[str, Any]) -> None:
    with serve(answer_from(release)) as (uri, asked):
        assert read(uri, **options) == read(release, **options)
        assert read(uri, split="validation") == read(release, split="validation")
        assert len(open_dataset(uri)["call-2-00001"].metadata["activity"]) == 1
    assert not [path for path, headers in asked if path.startswith("/shards/") and "Range" not in headers]


def test_neighbours_in_a_shard_come_by_one_request(release: Path) -> None:
    with serve(answer_from(release)) as (uri, asked):
        assert len(read(uri)) == 5
        assert len([path for path, _ in asked if path.startswith("/shards/")]) == 1


@pytest.mark.parametrize("options", [{}, {"shuffle": 1}, {"crop_s": 0.8}])
def test_a_server_that_gives_no_parts_is_asked_for_each_shard_once(release: Path, options: dict[str, Any]) -> None:
    with serve(answer_from(release, ranges=False)) as (uri, asked):
        found = read(uri, **options)
    assert found == read(release, **options)
    shards = [headers for path, headers in asked if path.startswith("/shards/")]
    assert len([headers for headers in shards if "Range" not in headers]) == 1
    with simple_server(release) as uri:
        assert read(uri, **options) == found


@pytest.mark.parametrize("kind", ["s3", "gs"])
def test_a_bucket_gives_what_the_disk_gives(release: Path, kind: Kind) -> None:
    with serve_store(kind, "duologue-reader") as bucket:
        for path in release.rglob("*"):
            if path.is_file():
                bucket.put(f"out/{path.relative_to(release).as_posix()}", path.read_bytes())
        for options in ({}, {"shuffle": 1}, {"crop_s": 3.0}):
            assert read(f"{bucket.uri}/out", **options) == read(release, **options)


def test_a_missing_shard_is_told_when_its_samples_come_up(release: Path) -> None:
    (shard,) = (release / "shards").glob("train-*.tar")
    shard.unlink()
    with serve(answer_from(release)) as (uri, _):
        reading = iter(open_dataset(uri))
        with pytest.raises(
            DamagedReleaseError, match=r"train-00000-[0-9a-f]+\.tar: is not there, and dataset\.json lists it \(.*404"
        ):
            next(reading)
        dataset = open_dataset(uri, on_damage="skip")
        with pytest.warns(UserWarning, match="such samples are left out and counted"):
            assert list(dataset) == []
        assert dataset.damaged == 5


def test_a_server_that_does_not_answer_is_no_damage(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever leaves out damaged samples does not want to train on nothing while a server is down."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    whole = answer_from(release)

    def answer(handler: Handler) -> None:
        if handler.path.startswith("/shards/"):
            send(handler, b"", 503)
        else:
            whole(handler)

    with serve(answer) as (uri, _), pytest.raises(UsageError, match="tried 4 times") as raised:
        list(open_dataset(uri, on_damage="skip"))
    assert not isinstance(raised.value, DamagedReleaseError)


def test_a_shard_that_was_cut_short_on_a_server_is_damaged(release: Path) -> None:
    (shard,) = (release / "shards").glob("train-*.tar")
    shard.write_bytes(shard.read_bytes()[:-20_000])
    with serve(answer_from(release)) as (uri, _):
        dataset = open_dataset(uri, on_damage="skip", shuffle=1)
        with pytest.warns(UserWarning, match=r"ends within a sample; the shard is damaged: fetch it again"):
            assert len(list(dataset)) == 5 - dataset.damaged
        assert dataset.damaged > 0


# --- fetching ahead -------------------------------------------------------------------------------------------------


class Counted(Shards):
    """Remembers what is under way."""

    def __init__(self) -> None:
        super().__init__("s3://nowhere/out")
        self.asked: list[Place] = []

    def read(self, place: Place) -> bytes:
        self.asked.append(place)
        if place.path == "gone":
            raise FileNotFoundError(place.path)
        return bytes(place.size)


def test_no_more_is_fetched_ahead_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.reader.fetch.AHEAD_BYTES", 1000)
    shards = Counted()
    places = [Place("a", 1 << 20, 1000 * number, 300) for number in range(50)]
    reads = shards.ahead((place,) for place in places)
    for number, place in enumerate(places):
        data = next(reads)(place)
        assert len(data) == 300
        assert len(shards.asked) <= number + 4
    assert shards.asked == places
    shards.close()


def test_a_sample_that_is_longer_than_what_is_fetched_ahead_comes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duologue_pipeline.reader.fetch.AHEAD_BYTES", 1000)
    shards = Counted()
    places = [Place("a", 1 << 20, 10_000 * number, 5000) for number in range(3)]
    reads = shards.ahead((place,) for place in places)
    next(reads)(places[0])
    assert shards.asked == places[:1]
    shards.close()


def test_faults_come_up_in_their_order_and_others_stay() -> None:
    shards = Counted()
    places = [Place("a", 100, 0, 10), Place("gone", 100, 0, 10), Place("b", 100, 0, 10)]
    first, second, third = shards.ahead((place,) for place in places)
    assert first(places[0]) == bytes(10)
    with pytest.raises(FileNotFoundError):
        second(places[1])
    assert third(places[2]) == bytes(10)
    shards.close()


def test_the_threads_end_with_the_iterator(release: Path) -> None:
    with serve(answer_from(release)) as (uri, _):
        reading = iter(open_dataset(uri))
        assert len(list(islice(reading, 2))) == 2
        assert [thread for thread in threading.enumerate() if thread.name.startswith("duologue-fetch")]
        del reading
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("duologue-fetch")]
