"""What ``--codec`` may say, and what it then asks for."""

import pytest

from duologue_pipeline.codec.spec import ALL, CodecSpec
from duologue_pipeline.errors import UsageError

SHA256 = "0123456789abcdef" * 4
KNOWN = "accelerator, batch, codebooks, device, dtype, sha256"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("embedded", CodecSpec("embedded")),
        ("mimi", CodecSpec("mimi")),
        ("mimi:models/mimi", CodecSpec("mimi", "models/mimi")),
        ("mimi:C:/models?device=auto", CodecSpec("mimi", "C:/models", device="auto")),
        ("mimi?device=cuda&batch=16", CodecSpec("mimi", device="cuda", batch=16)),
        ("mimi:gs://b/m?device=cuda:1&codebooks=32", CodecSpec("mimi", "gs://b/m", device="cuda:1", codebooks=32)),
        ("mimi:what?is this?dtype=float32", CodecSpec("mimi", "what?is this")),
        (f"mimi:s3://b/m?sha256={SHA256}", CodecSpec("mimi", "s3://b/m", sha256=SHA256)),
        ("mimi:m?device=cuda&accelerator=nvidia-l4", CodecSpec("mimi", "m", device="cuda", accelerator="nvidia-l4")),
        ("encodec:m", CodecSpec("encodec", "m", codebooks=8)),
        ("encodec:m?codebooks=32&device=cuda", CodecSpec("encodec", "m", codebooks=32, device="cuda")),
        ("dac:m", CodecSpec("dac", "m", codebooks=ALL)),
        ("dac:m?codebooks=9", CodecSpec("dac", "m", codebooks=9)),
        ("lyra:m", CodecSpec("lyra", "m", codebooks=16)),
        ("lyra:m?codebooks=46", CodecSpec("lyra", "m", codebooks=46)),
    ],
)
def test_a_codec_is_a_name_a_model_and_options(text: str, spec: CodecSpec) -> None:
    assert CodecSpec.parse(text) == spec


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("mimi:m?devise=cuda", f"no option 'devise'; known are {KNOWN}"),
        ("mimi:m?", f"no option ''; known are {KNOWN}"),
        (
            "mimi:m?device=tpu",
            "device is 'tpu'; expected cpu, cuda, cuda:0 to cuda:9, or auto (a GPU where there is one)",
        ),
        ("mimi:m?device", "device is ''; expected cpu, cuda, cuda:0 to cuda:9, or auto (a GPU where there is one)"),
        ("mimi:m?batch=0", "batch is '0'; expected 1 to 64 recordings that are encoded together on a GPU"),
        ("mimi:m?batch=65", "batch is '65'; expected 1 to 64 recordings that are encoded together on a GPU"),
        ("mimi:m?codebooks=33", "codebooks is '33'; expected 1 to 32, of which models of the Moshi kind use 8"),
        (
            "mimi:m?dtype=bfloat16",
            "dtype is 'bfloat16'; expected float32: indices computed in less are others (docs/codec.md)",
        ),
        ("mimi:m?device=cuda&device=cpu", "device is given twice; give it once"),
        ("dac:m?codebooks=33", "codebooks is '33'; expected 1 to 32, and no more than the model has"),
        ("dac:m?codebooks=0", "codebooks is '0'; expected 1 to 32, and no more than the model has"),
        (
            "encodec:m?codebooks=33",
            "codebooks is '33'; expected 1 to 32, of .75 kbit/s each in the published model of 24 kHz",
        ),
        (
            "lyra:m?codebooks=47",
            "codebooks is '47'; expected 1 to 46, of 200 bit/s each: 16, 30 or 46 for 3.2, 6 or 9.2 kbit/s",
        ),
        ("lyra:m?device=cuda", "no option 'device'; known are codebooks, sha256"),
        ("embedded?batch=2", "embedded takes no options; give `--codec embedded`"),
    ],
)
def test_an_option_that_is_not_known_is_refused_with_those_that_are(text: str, fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        CodecSpec.parse(text)
    assert str(caught.value) == f"--codec {text}: {fault}"


@pytest.mark.parametrize(
    ("text", "local", "uri"),
    [
        ("embedded", False, False),
        ("mimi", True, False),
        ("mimi:kyutai/mimi", True, False),
        ("mimi:/models/mimi?device=cuda", True, False),
        ("mimi:gs://b/m", False, True),
        ("mimi:https://host/m", False, True),
        ("dac:models/dac", True, False),
        ("lyra:s3://b/m", False, True),
    ],
)
def test_a_model_lies_here_or_elsewhere(text: str, local: bool, uri: bool) -> None:
    spec = CodecSpec.parse(text)
    assert (spec.is_local, spec.is_uri) == (local, uri)


def test_only_cuda_asks_a_cluster_for_a_gpu() -> None:
    assert CodecSpec.parse("mimi?device=cuda").resource_hints == {
        "accelerator": "type:nvidia-tesla-t4;count:1;install-nvidia-driver",
        "min_ram": "12GB",
    }
    for text in "embedded", "mimi", "mimi?device=cpu&batch=4", "mimi?device=auto":
        assert CodecSpec.parse(text).resource_hints == {}


def test_a_release_says_of_a_gpu_and_of_nothing_else_that_changes_no_code() -> None:
    assert CodecSpec.parse("mimi?device=cuda:1&batch=4").document == {"device": "cuda"}
    assert CodecSpec.parse("mimi?device=auto").document == {"device": "auto"}
    assert CodecSpec.parse("mimi?batch=4").document == {}
    assert CodecSpec.parse("mimi?device=cuda").on_cpu() == CodecSpec("mimi")
