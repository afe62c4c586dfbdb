"""Recordings to plan."""

from hypothesis import strategies as st

from duologue_pipeline.shards.splits import PlanEntry

__all__ = ["MINUTE_MS", "corpora", "entry"]

MINUTE_MS = 60_000


def entry(number: int, *, speakers: tuple[str, str] | None = None, minutes: float = 1.0) -> PlanEntry:
    """A recording, of two speakers of its own unless they are given."""
    a, b = speakers or (f"s{number}a", f"s{number}b")
    return PlanEntry(f"call-{number}", a, b, round(minutes * MINUTE_MS))


@st.composite
def corpora(draw: st.DrawFn) -> list[PlanEntry]:
    """Recordings of any length between speakers of a small circle: chains, stars, and islands."""
    people = draw(st.integers(2, 30))
    pairs = st.lists(st.integers(0, people - 1), min_size=2, max_size=2, unique=True)
    return [
        entry(number, speakers=(f"s{a}", f"s{b}"), minutes=draw(st.floats(0.01, 60)))
        for number, (a, b) in enumerate(draw(st.lists(pairs, max_size=40)))
    ]
