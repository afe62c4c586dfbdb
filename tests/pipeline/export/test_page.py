"""The Python of the page on exports runs on exports as its commands make them."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from duologue_pipeline.export.reasons import REASONS
from duologue_pipeline.export.registry import FORMATS, HELD_OUT_FORMATS, is_held_out
from tests.pipeline.export.support import export, json_file, sentencepiece_file
from tests.pipeline.withdrawal.support import make_calls

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE, EVALUATION = ((DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("exports", "evaluation"))


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    release, two = make_calls(tmp_path), {"codebooks": 2}
    export(release, tmp_path / "moshi-data")
    export(release, tmp_path / "jmoshi-data", "nu-dialogue", tokenizer=str(sentencepiece_file(tmp_path)), options=two)
    export(release, tmp_path / "csm-data", "csm", tokenizer=str(json_file(tmp_path)), options=two)
    export(release, tmp_path / "dgslm-raw", "dgslm")
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    own = [block for block in blocks if any(f'"{name}' in block for name in ("moshi-data", "jmoshi", "csm", "dgslm"))]
    assert len(own) == 5
    found: dict[str, Any] = {}
    for block in own:
        (tmp_path / "block.py").write_text(block)
        found |= runpy.run_path(str(tmp_path / "block.py"))
    assert found["is_stale"] is False
    assert found["audio"].shape == (48000, 2)
    assert found["words"] == []  # all is said in the first two seconds
    assert found["data"].num_rows == 9
    assert found["tokens"].shape == found["mask"].shape
    assert len(found["units"]["unitA"].split()) == 25


def test_the_page_names_every_format_and_every_reason() -> None:
    assert [name for name in FORMATS if not is_held_out(name) and f"`{name}`" not in PAGE] == []
    assert [name for name in HELD_OUT_FORMATS if f"duologue export {name}" not in EVALUATION] == []
    assert [reason for reason in REASONS if f"`{reason}`" not in PAGE + EVALUATION] == []
