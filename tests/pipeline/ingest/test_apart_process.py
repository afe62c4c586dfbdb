"""The process that decodes: it may crash, take too much or fail, and the run goes on or says why."""

from pathlib import Path

import pytest

from duologue_pipeline.errors import RejectError
from duologue_pipeline.ingest.apart import decoder
from duologue_pipeline.ingest.apart.decoder import ApartDecoder
from duologue_pipeline.ingest.sections import Apart, Section

BEGUN = """
from duologue_pipeline.ingest.apart.messages import BEGIN, PCM, END, write_json, write_message
import sys
out = sys.stdout.buffer
write_json(out, BEGIN, {"rate_hz": 8000, "channels": 1, "format": "s16", "planar": False, "start_s": 0.0})
write_message(out, PCM, bytes(2000))
out.flush()
"""


def decode(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: Apart | None = None) -> int:
    """Decodes with a program in the place of the worker, and counts the samples."""
    (tmp_path / "stand_in_worker.py").write_text(code)
    monkeypatch.setattr(decoder, "_WORKER", "stand_in_worker")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(_paths())}")
    (tmp_path / "call").write_bytes(b"sound")
    section, found = Section(0, 5), 0
    file = ApartDecoder(tmp_path / "call", "call", section, apart or Apart(kind="mpeg-4", demuxer="mov"))
    try:
        while len(block := file.read(300)):
            found += len(block)
        file.check_complete()
    finally:
        file.close()
    return found


def _paths() -> list[str]:
    return [str(Path(decoder.__file__).parents[3])]


def test_what_it_sends_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = 'write_json(out, END, {"packets": 3, "filled": 0, "gaps": 0})'
    assert decode(BEGUN + ended, tmp_path, monkeypatch) == 1000


@pytest.mark.parametrize("when", ["", BEGUN])
def test_a_crash_of_the_decoder_costs_the_recording_alone(
    when: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RejectError, match="makes the decoder crash") as raised:
        decode(when + "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", tmp_path, monkeypatch)
    assert raised.value.reason == "audio_unreadable"
    assert raised.value.values["crash"] == "sigsegv"


def test_a_decoder_that_never_ends_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 3))\nwhile True: pass"
    with pytest.raises(RejectError, match="takes more than 600 s of a processor") as raised:
        decode(BEGUN + endless, tmp_path, monkeypatch)
    assert raised.value.reason == "audio_over_limit"


def test_a_fault_of_our_own_is_told_with_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        decode(BEGUN + "1 / 0", tmp_path, monkeypatch)


def test_an_end_without_a_word_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="ended with 0"):
        decode(BEGUN, tmp_path, monkeypatch)


def test_packets_that_were_not_read_are_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = 'write_json(out, END, {"packets": 3, "filled": 0, "gaps": 0})'
    with pytest.raises(RejectError, match="holds 4 packets of sound and 3 could be read"):
        decode(BEGUN + ended, tmp_path, monkeypatch, Apart(kind="mpeg-4", demuxer="mov", packets=4))


def test_nothing_of_it_is_left_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in_worker.py").write_text(BEGUN + "import time; time.sleep(60)")
    monkeypatch.setattr(decoder, "_WORKER", "stand_in_worker")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{':'.join(_paths())}")
    file = ApartDecoder(tmp_path / "call", "call", Section(0, 5), Apart(kind="mpeg-4", demuxer="mov"))
    file.close()
    assert file._process.returncode is not None
