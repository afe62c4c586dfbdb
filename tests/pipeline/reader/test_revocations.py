"""``revocations.jsonl``: it only grows, and what is not as it was signed is refused."""

from collections.abc import Callable

import pytest

from duologue_consent.proofs.keys import SigningKey
from duologue_pipeline.reader.revocations import (
    Revocation,
    RevocationError,
    Revocations,
    append_line,
    parse_revocations,
    pin,
)

KEY = SigningKey("consent.example/ledger-1", bytes(range(32)))
OTHER = SigningKey("consent.example/ledger-1", bytes(32))


def entry(number: int) -> Revocation:
    return Revocation(f"shards/train-00000-{number:012x}.tar", "call-1-00000", "a" * 64, "consent_withdrawn", 7, "x")


def line(before: Revocations, *entries: Revocation, key: SigningKey = KEY, ledger_id: str = "ledger-1") -> bytes:
    return append_line(before, entries, ledger_id=ledger_id, dataset="demo", published_at="2026-01-01", keys=[key])


def parse(data: bytes, **options: object) -> Revocations:
    return parse_revocations(data, keys=[KEY.verifier], ledger_id="ledger-1", **options)  # type: ignore[arg-type]


def test_an_entry_strikes_a_sample_in_one_shard_only() -> None:
    found = parse(line(Revocations(), entry(1)))
    assert found.strike(entry(1).shard, "call-1-00000")
    assert not found.strike(entry(2).shard, "call-1-00000")
    assert not found.strike(entry(1).shard, "call-1-00001")


def test_a_file_only_grows() -> None:
    one = parse(line(Revocations(), entry(1)))
    two = parse(line(one, entry(2)), before=one)
    assert (two.lines, [each.shard for each in two.entries]) == (2, [entry(1).shard, entry(2).shard])
    assert parse(two.data) == two
    with pytest.raises(RevocationError, match=r"it no longer begins with what was read before"):
        parse(one.data, before=two)
    with pytest.raises(RevocationError, match=r"it does not begin as dataset\.json says"):
        parse(one.data, pinned=pin(two))
    assert parse(two.data, pinned=pin(one)) == two


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda one, two: two[len(one) :], "line 1 does not continue the lines before it, or is of another ledger"),
        (lambda one, two: two + one, "line 3 does not continue the lines before it"),
        (lambda one, two: two[:-1], "its last line is cut off"),
        (lambda one, two: line(Revocations(), entry(1), ledger_id="other"), "line 1 does not continue"),
        (lambda one, two: line(Revocations(), entry(1), key=OTHER), "line 1 is not signed by the ledger"),
        (lambda one, two: one.replace(b",", b", ", 1), "line 1 is not written in the one canonical way"),
        (lambda one, two: b"[]\n", "line 1: it is no DSSE envelope"),
    ],
)
def test_a_file_that_is_not_what_was_signed_is_refused(make: Callable[[bytes, bytes], bytes], fault: str) -> None:
    one = line(Revocations(), entry(1))
    two = line(parse(one), entry(2))
    with pytest.raises(RevocationError, match=fault):
        parse(make(one, two))


def test_every_byte_of_the_file_matters() -> None:
    data = line(parse(line(Revocations(), entry(1))), entry(2))
    for place in range(0, len(data) - 1, 3):
        with pytest.raises(RevocationError):
            parse(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
