"""NeMo's duplex data: Shar that lhotse reads, with roles, target audio at the model's rate, and all words."""

import os
from pathlib import Path

import numpy as np
import pytest

from duologue_pipeline.errors import UsageError
from tests.pipeline.export.formats.samples import RATE_HZ, conversation, export, own

os.environ.setdefault("LHOTSE_AUDIO_BACKEND", "LibsndfileBackend")
lhotse = pytest.importorskip("lhotse")


def test_the_recording_is_the_user_and_target_audio_the_model_at_its_rate(tmp_path: Path) -> None:
    samples = conversation()
    export("nemo-duplex", samples, tmp_path, model_speaker="b")
    cuts = list(lhotse.CutSet.from_shar(in_dir=tmp_path / "train"))
    assert [cut.id for cut in cuts] == [f"{sample.key}-b" for sample in samples]
    for cut, sample in zip(cuts, samples, strict=True):
        assert sample.audio is not None
        assert np.abs(cut.load_audio()[0] - sample.audio[0][0]).max() < 1e-4
        assert cut.target_audio.sampling_rate == 22050
        assert cut.load_target_audio().shape[1] == pytest.approx(cut.duration * 22050, abs=1)
        # as NeMo's dataset does: the recording is resampled, target_audio is not
        assert cut.resample(16000).target_audio.sampling_rate == 22050
    assert {each.speaker for cut in cuts for each in cut.supervisions} == {"user", "agent"}
    assert sorted(w for cut in cuts for each in cut.supervisions for w in each.text.split()) == own(samples)
    agent = sorted(w for cut in cuts for each in cut.supervisions if each.speaker == "agent" for w in each.text.split())
    assert agent == sorted(
        row["word"] for s in samples for row in s.metadata["words"] if row["speaker"] == "b" and row["start_s"] >= 0
    )


def test_the_target_has_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    export("nemo-duplex", conversation(), tmp_path, options={"target_rate_hz": RATE_HZ})
    cut = next(iter(lhotse.CutSet.from_shar(in_dir=tmp_path / "train")))
    assert cut.load_target_audio().shape == cut.load_audio().shape


def test_a_role_names_the_model(tmp_path: Path) -> None:
    export("nemo-duplex", conversation(), tmp_path, model_speaker="role:caller")
    assert {cut.id[-1] for cut in lhotse.CutSet.from_shar(in_dir=tmp_path / "train")} == {"b"}
    assert export("nemo-duplex", conversation(), tmp_path / "x", model_speaker="role:nobody").samples_left_out == {
        "no_model_side": len(conversation())
    }


def test_a_rate_that_no_model_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match="target_rate_hz 0: expected 8000 to 96000, the target_sample_rate of the model"
    ):
        export("nemo-duplex", conversation(), tmp_path, options={"target_rate_hz": 0})
