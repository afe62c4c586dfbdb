"""Maps the tokens of Switchboard's ms98 transcriptions to words.

Forms of tokens, after ``swbd1_map_words.pl`` of kaldi's ``egs/swbd/s5c/local``: ``[silence]``, ``[noise]``,
``[vocalized-noise]``, ``[laughter]``, ``[laughter-w]``, ``[wrong/right]`` (said / meant), ``ab[solute]-`` and ``-[an]y``
(broken off at the end or the beginning), ``{coinage}``, ``them_1`` (a variant), ``<b_aside>`` and ``<e_aside>``.
"""

import re
from typing import Final

from duologue_pipeline.transcripts.spoken import Token, bare

__all__ = ["switchboard_token"]

_WRONG: Final = re.compile(r"\[([^\[\]/]+(?:\[[^\[\]]*\][^\[\]/]*)*)/([^\[\]]+)\](-?)")


def switchboard_token(text: str) -> Token | None:
    """Makes a word of one token; None for silence and for marks of asides.

    What is broken off stays as the lexicons know it (``ab-``); of ``[wrong/right]`` what was said is taken.
    """
    token = text.strip()
    if re.fullmatch(r"<[be]_aside>", token, re.IGNORECASE):
        return None
    laughing = re.fullmatch(r"\[laughter-(.+)\]", token)
    if laughing:
        inner = switchboard_token(laughing[1])
        return bare(f"[laughter-{inner.word}]", marks=inner.marks) if inner else None
    wrong = _WRONG.fullmatch(token)
    if wrong:
        token = wrong[1] + wrong[3]
    token = re.sub(r"^\{(.+)\}$", r"\1", token)
    token = re.sub(r"_\d+$", "", token)
    if re.fullmatch(r"\[[^\[\]]+\]", token):
        return bare(token)
    begun = re.fullmatch(r"-\[[^\[\]]*\](.+)", token)
    if begun:
        return bare(begun[1], marks=("partial",))
    return bare(re.sub(r"\[[^\[\]]*\]", "", token))
