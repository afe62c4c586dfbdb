"""Codecs by name."""

import subprocess
import sys
from pathlib import Path

import pytest

from duologue_pipeline.codec.registry import open_codec
from duologue_pipeline.codec.spec import CODEC_NAMES
from duologue_pipeline.errors import UsageError


def test_the_known_names() -> None:
    assert CODEC_NAMES == ("embedded", "mimi", "encodec", "dac", "lyra")


def test_the_embedded_codec_is_opened_by_its_name() -> None:
    assert open_codec("embedded").name == "embedded"


def test_the_embedded_codec_needs_neither_torch_nor_transformers() -> None:
    code = """
import sys
from duologue_pipeline.codec.registry import open_codec
open_codec("embedded")
print(sorted({"torch", "transformers", "torchaudio"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_mimi_alone_is_looked_for_in_the_local_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        UsageError, match=r"^codec mimi: 'kyutai/mimi' is not a folder, and the local Hugging Face cache"
    ):
        open_codec("mimi")


@pytest.mark.parametrize("path", ["/no/such/folder", "C:/no/such/folder"])
def test_what_follows_the_first_colon_is_mimis_model(path: str) -> None:
    with pytest.raises(UsageError, match=f"^codec mimi: there is no folder '{path}'"):
        open_codec(f"mimi:{path}")


@pytest.mark.parametrize("spec", ["speex", "Mimi", "", "mimi:", "dac:", "embedded:small"])
def test_any_other_name_is_refused_with_the_known_ones(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_codec(spec)
    assert str(caught.value) == (
        f"unknown codec '{spec}'; known are embedded, mimi, encodec, dac and lyra. "
        "Give for example `--codec embedded`, `--codec mimi` or `--codec mimi:models/mimi`."
    )


@pytest.mark.parametrize("name", ["encodec", "dac", "lyra"])
def test_a_codec_that_is_not_in_the_cache_asks_for_its_model(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_codec(name)
    assert str(caught.value) == (
        f"--codec {name}: where is the model? Name its folder, as in `--codec {name}:models/{name}` (docs/codec.md)"
    )
