"""What lies in stores and on web servers is looked at as what lies here: the same is said of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import pytest

from duologue_pipeline.validate.validation import Validation
from tests.object_store import serve_store
from tests.pipeline.validate.conftest import World
from tests.servers import Handler, send, serve

Place = Literal["s3", "gs", "http"]
OF_DISKS = ("case", "folder", "windows", "home")
"""What only a disk has: folders, names that differ in case, drives and homes."""


@contextmanager
def laid(world: World, place: Place) -> Iterator[str]:
    """The address at which the files of the world lie as well."""
    files = {each.name: each.read_bytes() for each in world.folder.iterdir() if each.is_file()}
    if place != "http":
        with serve_store(place, "calls") as bucket:
            for name, data in files.items():
                bucket.put(name, data)
            yield bucket.uri
        return

    def answer(handler: Handler) -> None:
        data = files.get(handler.path.lstrip("/").partition("?")[0])
        send(handler, b"gone" if data is None else data, 404 if data is None else 200)

    with serve(answer) as (uri, _):
        yield uri


@pytest.mark.parametrize("place", ["s3", "gs", "http"])
def test_the_same_is_said_of_files_in_stores(hostile: World, place: Place) -> None:
    hostile.lines = [
        line for line in hostile.lines if not isinstance(line, dict) or line["recording_id"] not in OF_DISKS
    ]
    here, totals_here = hostile.validated(same_audio="refuse-all")
    with laid(hostile, place) as uri:
        lines = [json.loads(json.dumps(line)) if isinstance(line, dict) else line for line in hostile.lines]
        for line in lines:
            for track in line["tracks"] if isinstance(line, dict) else ():
                for field in ("uri", "words_uri"):
                    if field in track and "://" not in track[field]:
                        track[field] = f"{uri}/{track[field]}"
        hostile.lines = lines
        there, totals_there = hostile.validated(same_audio="refuse-all", allow_private_addresses=True)
    said_here, said_there = (
        sorted((each.recording_id or "", each.track or "", each.level, each.reason) for each in found)
        for found in (here, there)
    )
    assert said_there == said_here
    assert (totals_there.refused, totals_there.words, totals_there.duration_ms) == (
        totals_here.refused,
        totals_here.words,
        totals_here.duration_ms,
    )


@pytest.mark.parametrize("place", ["s3", "gs"])
def test_a_manifest_may_lie_in_a_store_beside_the_files(world: World, place: Place) -> None:
    world.call("good")["tracks"][0]["words_uri"] = world.words("w.json", [{"word": "yes", "start_s": 0.5, "end_s": 1}])
    world.call("missing", a="nowhere.wav")
    world.write()
    with laid(world, place) as uri:
        validation = Validation(replace(world.request(), manifest=f"{uri}/manifest.jsonl"), files=True)
        found = list(validation.findings())
    assert [(each.recording_id, each.track, each.reason) for each in found] == [("missing", "a", "audio_missing")]
    assert (validation.totals.looked, dict(validation.totals.words)) == (1, {"words": 1})
