"""What an audit finds in the tokens of a release, one fault after the other put into a release that has none."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from duologue_consent import Purpose
from duologue_pipeline.audit import decoded, findings
from duologue_pipeline.audit import tokens as module
from duologue_pipeline.audit.histogram import Histograms
from duologue_pipeline.audit.tokens import TokensAudit, audit_tokens
from duologue_pipeline.codec.embedded import EmbeddedCodec
from duologue_pipeline.errors import UsageError
from duologue_pipeline.reader.dataset import PurposeError
from duologue_pipeline.retokenize.retokenize import retokenize
from duologue_pipeline.withdrawal.protocol import propagate_release
from duologue_schemas import iter_faults
from tests.pipeline.withdrawal.world import World, make_world

Change = Callable[[dict[str, Any], npt.NDArray[np.uint16]], npt.NDArray[np.uint16] | None]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A release of the tiny codec that the ledger lets through, and beside it one of the embedded codec, in ``other``."""
    made = make_world(tmp_path_factory.mktemp("world"))
    retokenize(str(made.out), codec="embedded", out=str(made.out.parent / "other"), ledger=str(made.path))
    return made


@pytest.fixture
def audit(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TokensAudit]:
    """Audits the release of the embedded codec; ``change`` gets the document and the codes of each sample before."""
    samples = module._samples

    def run(change: Change | None = None, **options: Any) -> TokensAudit:
        def changed(uri: str, purpose: str) -> Any:
            for sample in samples(uri, purpose):
                codes = sample.codes.copy()
                if change is not None:
                    given = change(sample.metadata, codes)
                    codes = codes if given is None else given
                yield type(sample)(sample.key, sample.metadata, codes, sample.flac, sample.shard)

        monkeypatch.setattr(module, "_samples", changed)
        return audit_tokens(str(world.out.parent / "other"), **({"purpose": "training_inhouse"} | options))

    return run


def kinds(audit: TokensAudit) -> set[str]:
    return {finding.kind for finding in audit.findings}


def test_a_release_without_a_fault(world: World, audit: Callable[..., TokensAudit]) -> None:
    found = audit(decode=2)
    assert found.findings == ()
    release = json.loads((world.out.parent / "other" / "dataset.json").read_bytes())
    assert found.samples == release["totals"]["samples"]
    assert [use.entries for use in found.codebooks] == [2048] * 8
    assert all(1 < use.used <= 2048 for use in found.codebooks)
    assert len(found.decoded) == 4
    assert {track.key for track in found.decoded} == {track.key for track in audit(decode=2).decoded}
    assert list(iter_faults("tokens_audit", json.loads(json.dumps(found.document())))) == []


def test_an_index_beyond_its_codebook(audit: Callable[..., TokensAudit]) -> None:
    def change(document: dict[str, Any], codes: npt.NDArray[np.uint16]) -> None:
        codes[1, 7, 0] = 2048

    assert kinds(audit(change, decode=0)) == {"code_out_of_codebook"}


def test_frames_that_do_not_fit_the_duration(audit: Callable[..., TokensAudit]) -> None:
    assert kinds(audit(lambda document, codes: codes[..., :-1], decode=0)) == {"frames_do_not_fit"}
    assert kinds(audit(lambda document, codes: np.repeat(codes, 2, axis=2), decode=0)) >= {"frames_do_not_fit"}


def test_a_channel_that_is_dead_while_its_speaker_is_heard(audit: Callable[..., TokensAudit]) -> None:
    silence = EmbeddedCodec().encoder().push(np.zeros(19_200, np.float32))[:, -1:]

    def change(document: dict[str, Any], codes: npt.NDArray[np.uint16]) -> None:
        document["activity"] = [{"speaker": "a", "start_s": 0.0, "end_s": document["end_s"] - document["start_s"]}]
        codes[0] = silence

    found = audit(change, decode=0)
    assert kinds(found) <= {"dead_channel", "dead_codebook"}
    dead = [finding for finding in found.findings if finding.kind == "dead_channel"]
    assert {finding.speaker for finding in dead} == {"a"}
    assert "100.0% of the" in dead[0].detail


def test_both_tracks_with_the_same_tokens(audit: Callable[..., TokensAudit]) -> None:
    def change(document: dict[str, Any], codes: npt.NDArray[np.uint16]) -> None:
        codes[1] = codes[0]

    assert kinds(audit(change, decode=0)) == {"same_tokens"}


def test_a_codebook_that_tells_nothing(audit: Callable[..., TokensAudit], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_ENOUGH_FRAMES", 10)

    def change(document: dict[str, Any], codes: npt.NDArray[np.uint16]) -> None:
        codes[:, 3] = 5

    (finding,) = audit(change, decode=0).findings
    assert finding.kind == "dead_codebook"
    assert finding.detail == "codebook 3: one of its 2048 entries makes 100.0% of all indices"


def test_tracks_in_each_others_place_and_tokens_of_other_sound(
    audit: Callable[..., TokensAudit], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audio of the release is steady noise, so here it is noise that swells, and in the other track noise that fades."""
    rate_hz, seconds = 24_000, 4
    swell = np.linspace(0.001, 0.3, rate_hz * seconds, dtype=np.float32) ** 2
    noise = np.random.default_rng(3).standard_normal(rate_hz * seconds).astype(np.float32)
    tracks = [noise * swell, noise * swell[::-1]]
    codec = EmbeddedCodec()

    def compared(*order: int) -> set[str]:
        encoders = [codec.encoder() for _ in order]
        codes = np.stack([encoder.push(tracks[track]) for encoder, track in zip(encoders, order, strict=True)])

        class Stored:
            key, metadata, audio = "call", {"speakers": {side: {"commitment": "c"} for side in "ab"}}, (tracks, rate_hz)

        Stored.codes = codes  # type: ignore[attr-defined]
        return {finding.kind for _, found in decoded.compare_decoded(Stored(), codec) for finding in found}  # type: ignore[arg-type]

    assert compared(0, 1) == set()
    assert compared(1, 0) == {"decoded_swapped"}
    tracks.append(noise * np.float32(0.05))
    assert compared(2, 2) == {"decoded_unlike"}


def test_who_was_taken_out_is_not_counted_and_must_be_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world(tmp_path)
    other = str(tmp_path / "other")
    retokenize(str(world.out), codec="embedded", out=other, ledger=str(world.path))
    world.withdraw(min(world.ledger.snapshot().speakers), Purpose.TRAINING_INHOUSE)
    propagate_release(other, world.ledger)
    found = audit_tokens(other, purpose="training_inhouse", decode=0)
    assert found.findings == ()
    samples = module._samples

    def loud(uri: str, purpose: str) -> Any:
        for sample in samples(uri, purpose):
            sample.codes[:, 0, 0] += 1
            yield sample

    monkeypatch.setattr(module, "_samples", loud)
    assert kinds(audit_tokens(other, purpose="training_inhouse", decode=0)) == {"withdrawn_not_silent"}


def test_a_codec_that_never_settles_is_silent_in_a_few_frames_and_not_in_speech() -> None:
    """Speech holds some equal frames as well: those of the listener's silence."""
    speech = np.arange(800, dtype=np.uint16).reshape(8, 100)
    speech[:, 50:60] = 7
    in_turn = np.tile(speech[:, :4], 25)
    speakers = {"a": {"commitment": "withdrawn"}, "b": {"commitment": "c"}}
    about = {"start_s": 0.0, "end_s": 8.0, "activity": [], "speakers": speakers}

    def found(codes: npt.NDArray[np.uint16]) -> set[str]:
        class Stored:
            key, metadata = "call", about

        Stored.codes = np.stack([codes, speech])  # type: ignore[attr-defined]
        release = {"codec": {"cardinalities": [1024] * 8, "frame_rate_hz": 12.5}}
        return {each.kind for each in findings.sample_findings(Stored(), release, Histograms([1024] * 8))}  # type: ignore[arg-type]

    assert found(in_turn) == set()
    assert found(speech[:, ::-1]) == {"withdrawn_not_silent"}


def test_without_its_codec_a_release_is_audited_and_not_decoded(world: World) -> None:
    found = audit_tokens(str(world.out), purpose="training_inhouse")
    assert found.decoded == ()
    assert any(note.startswith("nothing was decoded and compared: ") for note in found.notes)


def test_another_codec_than_made_the_tokens_and_another_purpose_are_refused(world: World) -> None:
    with pytest.raises(UsageError, match="the tokens of the release were made with embedded"):
        audit_tokens(str(world.out.parent / "other"), purpose="training_inhouse", codec="mimi:m")
    with pytest.raises(PurposeError):
        audit_tokens(str(world.out.parent / "other"), purpose="likeness")
