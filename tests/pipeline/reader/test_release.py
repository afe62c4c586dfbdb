"""Reading the manifest of a release: what is no manifest of ours is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.release import read_release


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{")
    with pytest.raises(UsageError, match=r"/dataset\.json: cannot be read \("):
        read_release(str(tmp_path))


@pytest.mark.parametrize("document", [[], {}, {"schema": "release/2.0"}])
def test_a_manifest_of_another_version_is_refused(document: Any, tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text(json.dumps(document))
    with pytest.raises(UsageError, match=r"/dataset\.json: not a release manifest of version release/1\.0$"):
        read_release(str(tmp_path))
