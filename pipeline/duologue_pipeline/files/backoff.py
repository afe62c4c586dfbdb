"""Waits between two attempts: twice as long from one to the next, by chance a little less, never longer than is allowed.

Chance keeps the workers of a run, which a store has turned away together, from coming back together
(Brooker, Exponential Backoff and Jitter, AWS Architecture Blog 2015).
"""

import random
import time

from duologue_pipeline.rules.files import FilesRules

__all__ = ["backoff_s", "wait"]


def backoff_s(attempt: int, rules: FilesRules) -> float:
    """Gives how long is waited before an attempt, in seconds: between half of the bound and the bound.

    Args:
        attempt: the number of those that have failed, from 1 on.
        rules: the first and the longest wait.
    """
    bound = min(rules.max_backoff_s, rules.backoff_s * 2.0 ** min(attempt - 1, 30))
    return bound * (0.5 + 0.5 * random.random())


def wait(attempt: int, rules: FilesRules, *, asked_s: float = 0.0) -> None:
    """Waits before an attempt.

    Args:
        attempt: the number of those that have failed, from 1 on.
        rules: the first and the longest wait.
        asked_s: what the server asks to wait; heeded up to the longest wait.
    """
    time.sleep(min(rules.max_backoff_s, max(asked_s, backoff_s(attempt, rules))))
