"""Links of exports: what is kept of them, and how a later one takes the place of an earlier one."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from duologue_consent import Ledger, Purpose, parse_time
from duologue_consent.lineage.lineage import LINKED, REPLACED, Link, affected_links, new_notices, notice_text
from duologue_consent.lineage.store import all_were_told, read_links

LINK = Link(
    role="recipient",
    name="csm export",
    contact=None,
    release="a" * 64,
    dataset="calls 1.0.0",
    purposes=("training_inhouse",),
    speakers=(),
    at="2026-05-01T00:00:00Z",
    folder="/data/out",
    export="/data/csm data",
)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger.create(tmp_path / "consent.db")
    made.grant("anna", (Purpose.RECORDING, Purpose.TRAINING_INHOUSE), at=parse_time("2026-01-01T00:00:00Z"))
    return made


def test_a_link_that_is_of_no_export_is_kept_as_before_there_were_exports() -> None:
    plain = replace(LINK, export=None)
    assert not {"export", "replaced"} & plain.to_fields().keys()
    assert Link.from_fields(plain.to_fields()) == plain
    assert Link.from_fields(LINK.to_fields()) == LINK
    assert "replaced" not in LINK.to_fields()


def test_a_later_link_of_the_same_folder_takes_the_place_of_an_earlier_one(ledger: Ledger) -> None:
    link = replace(LINK, speakers=(ledger.snapshot().commitment("anna"),))
    first = ledger.append(LINKED, link.to_fields()).seq
    elsewhere = ledger.append(LINKED, replace(link, export="/data/other").to_fields()).seq
    ledger.withdraw("anna", at=parse_time("2026-06-01T00:00:00Z"))
    second = ledger.append(LINKED, replace(link, speakers=(), release="b" * 64).to_fields()).seq
    now = datetime.now(UTC)
    assert [each.seq for each in affected_links(read_links(ledger), ledger.snapshot(), as_of=now)] == [first, elsewhere]
    ledger.append(REPLACED, {"export": LINK.export, "link_seq": second})
    links = read_links(ledger)
    assert {seq: each.replaced for seq, each in links.items()} == {first: True, elsewhere: False, second: False}
    (affected,) = affected_links(links, ledger.snapshot(), as_of=now)
    assert affected.seq == elsewhere
    assert not all_were_told(ledger, dataset="calls", speakers=link.speakers)  # the other one was not


def test_a_notice_of_an_export_says_the_command(ledger: Ledger) -> None:
    link = replace(LINK, speakers=("f" * 64,))  # nobody knows of whom any more
    (notice,) = new_notices(affected_links({7: link}, ledger.snapshot(), as_of=datetime.now(UTC)), [])
    assert "`duologue export refresh '/data/csm data'`" in notice_text(notice, ledger_id="ledger")
