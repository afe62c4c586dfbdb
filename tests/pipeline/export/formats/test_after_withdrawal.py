"""Whoever says no is gone from every byte of an export, and what is refreshed is what is exported anew."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from duologue_pipeline.cli.app import app
from duologue_pipeline.export.upkeep import scan_export
from duologue_pipeline.reader import open_dataset
from duologue_pipeline.withdrawal.protocol import propagate_release
from tests.pipeline.export.formats.samples import FORMATS, told
from tests.pipeline.export.support import bytes_of, export
from tests.pipeline.withdrawal.world import World, make_world

IN_THE_WORLD = [
    name for name in FORMATS if name not in ("d2", "vap")
]  # no Mimi there, and samples too short for a window


@pytest.fixture(scope="module")
def withdrawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, str]:
    """A release of which every export was made before two people withdrew, and the commitment of one of them."""
    world = make_world(tmp_path_factory.mktemp("world"))
    for name in IN_THE_WORLD:
        export(world.out, world.out.parent / name, name)
        assert b"call-2" in told(world.out.parent / name)
    commitment: str = open_dataset(str(world.out))["call-1-00000"].metadata["speakers"]["a"]["commitment"]
    world.withdraw("anna")
    world.withdraw("carl")
    propagate_release(str(world.out), world.ledger)
    return world, commitment


@pytest.mark.parametrize("name", IN_THE_WORLD)
def test_who_withdrew_is_gone_and_a_refresh_is_an_export_anew(
    name: str, withdrawn: tuple[World, str], tmp_path: Path
) -> None:
    world, commitment = withdrawn
    out = world.out.parent / name
    done = CliRunner().invoke(app, ["export", "refresh", str(out)])
    assert done.exit_code == 0, done.output
    export(world.out, tmp_path, name)
    assert bytes_of(out) == bytes_of(tmp_path)
    after, traces = told(out), (b"call-2", commitment.encode(), *(b"anna%d" % i for i in range(10)))
    assert not [trace for trace in traces if trace in after]
    scan_export(str(out), str(world.out))
