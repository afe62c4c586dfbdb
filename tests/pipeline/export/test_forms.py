"""What of a recording each format holds, in the terms of consent: by these a withdrawal finds the exports that it concerns."""

from pathlib import Path

import pytest

from duologue_consent import Form
from duologue_pipeline.export.registry import FORMATS, find_format, is_held_out
from duologue_pipeline.export.request import ExportRequest

AUDIO, TRANSCRIPT, TOKENS, ANNOTATIONS = Form.AUDIO, Form.TRANSCRIPT, Form.TOKENS, Form.ANNOTATIONS

HELD = {
    "moshi-finetune": {AUDIO, TRANSCRIPT},
    "nu-dialogue": {TRANSCRIPT, TOKENS},
    "csm": {TRANSCRIPT, TOKENS, ANNOTATIONS},  # turn after turn
    "dgslm": {TOKENS},
    "lhotse": {AUDIO, TRANSCRIPT, ANNOTATIONS},
    "nemo-duplex": {AUDIO, TRANSCRIPT, ANNOTATIONS},  # a supervision says whether it is a turn
    "energon": set(Form),
    "hf": set(Form),
    "d2": set(Form),
    "multitalk": {AUDIO},
    "vap": {AUDIO, ANNOTATIONS},
    "dualturn": {AUDIO, ANNOTATIONS},
    "textgrid": {AUDIO, TRANSCRIPT, ANNOTATIONS},
    "rttm": {ANNOTATIONS},
    "ctm": {TRANSCRIPT},
    "eaf": {AUDIO, TRANSCRIPT, ANNOTATIONS},
    "full-duplex-bench": {AUDIO, TRANSCRIPT, ANNOTATIONS},  # pauses, interruptions, backchannels
    "turnbench": {AUDIO, TRANSCRIPT, ANNOTATIONS},
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_what_it_holds(name: str, tmp_path: Path) -> None:
    made = find_format(name)
    tokenizer = None if made.tokenizer == "none" else str(tmp_path)
    splits = ("validation",) if is_held_out(name) else ("train",)
    request = ExportRequest(format=name, tokenizer=tokenizer, splits=splits)
    assert set(made.forms(request.context({"include_audio": True}, None))) == HELD[name]
