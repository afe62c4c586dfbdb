"""The standalone verifier: what it accepts, every way to cheat that it finds, and that it agrees with the modules."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent import verify
from duologue_consent.proofs import merkle
from duologue_consent.proofs.dsse import sign_envelope
from duologue_consent.proofs.keys import SigningKey
from duologue_consent.proofs.notes import Checkpoint, NoteError, open_checkpoint, sign_note
from duologue_consent.proofs.receipt import PAYLOAD_TYPE, FileChange
from duologue_consent.verify import main
from tests.consent.fabricate import (
    KEY,
    NEW_SHARD,
    OLD_SHARD,
    UNTOUCHED_SHARD,
    World,
    make_checkpoint,
    make_leaves,
    sha256,
    shard_path,
)

WORLD = World()
MANY = [merkle.leaf_hash(b"%d" % number) for number in range(130)]


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    return WORLD.write(tmp_path)


@pytest.fixture
def faults(capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    """Runs the command and gives its faults; holds that the exit status says whether there are any."""

    def run(*arguments: object) -> list[str]:
        status = main([str(each) for each in arguments])
        lines = capsys.readouterr().out.splitlines()
        found = [line.removeprefix("fault: ") for line in lines if line.startswith("fault: ")]
        assert status == int(bool(found))
        return found

    return run


def edited_statement(edit: Callable[[dict[str, Any]], None], world: World = WORLD) -> bytes:
    """A receipt that a cheating owner of the key has signed: the builder itself would refuse to make it."""
    statement = json.loads(world.receipt().statement())
    edit(statement)
    return sign_envelope(PAYLOAD_TYPE, rfc8785.dumps(statement), [KEY]).to_bytes()


# --- what holds -----------------------------------------------------------------------------------------------------


def test_one_file_alone_verifies_a_receipt(tmp_path: Path) -> None:
    release = tmp_path / "release"
    receipt = WORLD.write(release)
    alone = shutil.copy(verify.__file__, tmp_path / "verify.py")
    command = [sys.executable, "-I", "-W", "error", str(alone), str(receipt)]  # -I: no PYTHONPATH, so no duologue by it
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "note: checkpoint was found beside the receipt; better is one from elsewhere",
        "note: ledger.pub was found beside the receipt; better is one from elsewhere",
        "ok: the receipt is signed and names the ledger ledger-1",
        "ok: the ledger grew from 4 to 7 leaves and changed none",
        "ok: 2 leaves stand in the ledger",
        "ok: the checkpoint that was given (7 leaves) is of one history",
        "ok: the log gives the roots that were signed",
        "ok: the files of the dataset are those of the receipt",
    ]


def test_the_file_imports_only_the_standard_library_and_cryptography() -> None:
    lines = Path(verify.__file__).read_text(encoding="utf-8").splitlines()
    imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert imported - sys.stdlib_module_names == {"cryptography"}
    assert not any(line.startswith((" import ", "    from ", "    import ")) for line in lines)


def test_what_is_named_is_taken_from_there(tmp_path: Path, receipt: Path, faults: Callable[..., list[str]]) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    moved = [shutil.move(tmp_path / name, elsewhere) for name in ("checkpoint", "ledger.pub", "log.jsonl")]
    lone = Path(shutil.move(receipt, elsewhere / "receipt.json"))
    options = [part for pair in zip(("--checkpoint", "--key", "--log"), moved, strict=True) for part in pair]
    assert faults(lone, "--dataset", tmp_path, *options) == []
    assert faults(lone, "--dataset", elsewhere) == [
        f"{elsewhere} is no dataset: dataset.json cannot be read (No such file or directory)"
    ]


def test_a_receipt_holds_without_the_log_and_says_so(receipt: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (receipt.parents[1] / "log.jsonl").unlink()
    assert main([str(receipt)]) == 0
    assert "note: no log (log.jsonl) was found: leaves outside of the receipt not checked" in capsys.readouterr().out


@pytest.mark.parametrize("size", range(1, 10))
def test_a_checkpoint_of_the_same_history_may_be_older_or_newer(
    tmp_path: Path, faults: Callable[..., list[str]], size: int
) -> None:
    world = replace(WORLD, leaves=make_leaves(kinds=("consent.grant",) * 5 + ("consent.withdraw",) * 4))
    receipt = world.write(tmp_path)
    (tmp_path / "checkpoint").write_bytes(make_checkpoint(world.leaves, size))
    assert faults(receipt) == []


def test_leaves_that_no_checkpoint_covers_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world = replace(WORLD, leaves=make_leaves(kinds=("consent.grant",) * 5 + ("consent.withdraw",) * 4))
    assert main([str(world.write(tmp_path))]) == 0
    assert "note: the last 2 leaves of the log are under no checkpoint given here" in capsys.readouterr().out


def test_a_receipt_signed_with_two_keys_holds_for_who_knows_one(
    tmp_path: Path, faults: Callable[..., list[str]]
) -> None:
    new = SigningKey(KEY.name, b"\x07" * 32)
    assert faults(WORLD.write(tmp_path, WORLD.receipt().signed([new, KEY]).to_bytes())) == []


def test_after_a_rotation_an_old_receipt_still_holds(receipt: Path, faults: Callable[..., list[str]]) -> None:
    new = SigningKey(KEY.name, b"\x07" * 32)
    (receipt.parents[1] / "ledger.pub").write_text(f"{new.verifier.text}\n{KEY.verifier.text}\n")
    assert faults(receipt) == []
    (receipt.parents[1] / "checkpoint").write_bytes(make_checkpoint(WORLD.leaves, 7, new))
    assert faults(receipt) == []


# --- the log --------------------------------------------------------------------------------------------------------


def edited_leaf(leaf: bytes) -> bytes:
    document = json.loads(leaf)
    document["commitments"]["purpose"] = "0" * 64
    return rfc8785.dumps(document)


@pytest.mark.parametrize("seq", range(7))
def test_an_edited_log_is_found(receipt: Path, faults: Callable[..., list[str]], seq: int) -> None:
    log = receipt.parents[1] / "log.jsonl"
    lines = log.read_bytes().splitlines()
    lines[seq] = edited_leaf(lines[seq])
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    found = faults(receipt)
    assert ("the first 4 leaves of the log are not those that were signed: the log was edited or forked" in found) == (
        seq < 4
    )
    assert found[-1] == "the first 7 leaves of the log are not those that were signed: the log was edited or forked"


def test_a_reordered_log_is_found(receipt: Path, faults: Callable[..., list[str]]) -> None:
    log = receipt.parents[1] / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    log.write_bytes(b"".join(lines))
    assert faults(receipt)[0] == "in the log, leaf 1 says that it is leaf 2: the log was reordered or cut"


@pytest.mark.parametrize("kept", range(7))
def test_a_truncated_log_is_found(receipt: Path, faults: Callable[..., list[str]], kept: int) -> None:
    log = receipt.parents[1] / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:kept]))
    assert f"the log was cut short: it holds {kept} leaves, 7 were signed" in faults(receipt)
    log.write_bytes(b"".join(lines)[:-1])
    assert "the log does not end in a newline: it was cut" in faults(receipt)


def test_a_leaf_taken_out_of_the_middle_is_found(receipt: Path, faults: Callable[..., list[str]]) -> None:
    log = receipt.parents[1] / "log.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:2] + lines[3:]))
    assert faults(receipt)[0] == "in the log, leaf 2 says that it is leaf 3: the log was reordered or cut"


def test_a_forked_log_is_found(tmp_path: Path, receipt: Path, faults: Callable[..., list[str]]) -> None:
    """The owner of the key signs one history for the receipt and another one for everybody else."""
    fork = [edited_leaf(leaf) if seq == 2 else leaf for seq, leaf in enumerate(WORLD.leaves)]
    for size in (4, 7):
        (tmp_path / "checkpoint").write_bytes(make_checkpoint(fork, size))
        assert f"two histories of {size} leaves were signed: the log was forked" in faults(receipt)
    (tmp_path / "checkpoint").write_bytes(make_checkpoint(fork, 5))
    assert faults(receipt) == [
        "the first 5 leaves of the log are not those that were signed: the log was edited or forked"
    ]
    (tmp_path / "log.jsonl").unlink()
    assert faults(receipt) == ["whether the checkpoint of 5 leaves is of the same history cannot be told; give the log"]


def test_a_receipt_that_is_itself_of_two_histories_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    fork = [edited_leaf(leaf) if seq == 2 else leaf for seq, leaf in enumerate(WORLD.leaves)]
    forked = WORLD.receipt(old_checkpoint=make_checkpoint(fork, 4)).signed([KEY]).to_bytes()
    assert faults(WORLD.write(tmp_path, forked)) == [
        "the ledger of 7 leaves does not continue that of 4: it was forked, cut or edited",
        "the first 4 leaves of the log are not those that were signed: the log was edited or forked",
    ]
    shrunk = WORLD.receipt(
        old_checkpoint=make_checkpoint(WORLD.leaves, 7), new_checkpoint=make_checkpoint(WORLD.leaves, 6), consistency=[]
    )
    assert faults(WORLD.write(tmp_path, shrunk.signed([KEY]).to_bytes()))[0] == (
        "the ledger of 6 leaves does not continue that of 7: it was forked, cut or edited"
    )


def test_a_leaf_that_is_not_in_the_ledger_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    receipt = WORLD.receipt()
    leaves = [replace(receipt.leaves[0], leaf=edited_leaf(receipt.leaves[0].leaf)), receipt.leaves[1]]
    found = faults(WORLD.write(tmp_path, replace(receipt, leaves=leaves).signed([KEY]).to_bytes()))
    assert found == [
        "leaf 5 does not stand in the ledger as the receipt shows it",
        "leaf 5 of the log is not that of the receipt",
    ]


def test_a_receipt_without_a_withdrawal_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    receipt = WORLD.receipt()
    signed = replace(receipt, leaves=receipt.leaves[1:]).signed([KEY]).to_bytes()
    kinds = "consent.withdraw, consent.refuse, consent.revoke, consent.invalidate, grant.lapsed"
    fault = f"no leaf of the receipt takes consent away; expected one of {kinds}"
    assert faults(WORLD.write(tmp_path, signed)) == [fault]


def test_a_receipt_of_another_ledger_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    receipt = WORLD.write(tmp_path)
    other_key = SigningKey("consent.example/ledger-2", b"\x02" * 32)
    other = World(leaves=make_leaves("ledger-2"), ledger_id="ledger-2", key=other_key)
    other_receipt = other.receipt().signed([other_key]).to_bytes()

    receipt.write_bytes(other_receipt)
    assert faults(receipt) == ["the receipt is not signed by a known key: it was edited, or it is of another ledger"]
    # a verifier who knows both ledgers
    (tmp_path / "ledger.pub").write_text(f"{KEY.verifier.text}\n{other_key.verifier.text}\n")
    found = faults(receipt)
    assert (
        "the receipt is of the ledger 'consent.example/ledger-2', the checkpoint that was given of "
        "'consent.example/ledger-1'"
    ) in found
    assert "in the log, leaf 0 is of another ledger, 'ledger-1'" in found
    assert any(each.startswith("dataset.json (version 2.0.0) is not that of the receipt") for each in found)


def test_the_leaves_of_another_ledger_under_the_same_key_are_found(
    tmp_path: Path, faults: Callable[..., list[str]]
) -> None:
    world = World(leaves=make_leaves("ledger-2"), ledger_id="ledger-1")
    assert faults(world.write(tmp_path))[:2] == [
        "leaf 5 is of another ledger, 'ledger-2'",
        "leaf 6 is of another ledger, 'ledger-2'",
    ]


# --- the receipt ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, []])
def test_a_missing_out_of_scope_is_found(tmp_path: Path, faults: Callable[..., list[str]], value: object) -> None:
    def edit(statement: dict[str, Any]) -> None:
        statement["predicate"]["out_of_scope"] = value
        if value is None:
            del statement["predicate"]["out_of_scope"]

    assert faults(WORLD.write(tmp_path, edited_statement(edit))) == [
        "OUT_OF_SCOPE is missing: a receipt must say what the withdrawal does not reach"
    ]


@pytest.mark.parametrize(
    ("edit", "fault"),
    [
        (lambda s: s["predicate"].pop("files"), "statement.predicate.files is missing"),
        (lambda s: s["predicate"].update(embedding=[0.5]), "statement.predicate.embedding is no known field"),
        (lambda s: s["predicate"]["files"][0].update(level="DONE"), "statement.predicate.files[0].level is 'DONE'"),
        (lambda s: s["predicate"]["files"][1].update(path="../x"), "statement.predicate.files[1].path is '../x'"),
        (lambda s: s["predicate"]["files"].pop(0), "the subject of the statement is not the list of its new files"),
        (lambda s: s["subject"].pop(), "the subject of the statement is not the list of its new files"),
        (lambda s: s["predicate"].update(leaves=[]), "the receipt names no leaf, so no withdrawal"),
        (lambda s: s.update(predicateType="urn:x"), "statement.predicateType is 'urn:x', expected urn:duologue"),
    ],
)
def test_a_statement_that_breaks_a_rule_is_found(
    tmp_path: Path, faults: Callable[..., list[str]], edit: Callable[[dict[str, Any]], None], fault: str
) -> None:
    assert fault in faults(WORLD.write(tmp_path, edited_statement(edit)))[0]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_single_edit_of_receipt_log_release_or_shard_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("release")
    WORLD.write(folder)
    path = folder / data.draw(st.sampled_from(["receipts/0001.json", "log.jsonl", "dataset.json", *WORLD.files]))
    good = path.read_bytes()
    place = data.draw(st.integers(0, len(good) - 1))
    changed = bytes([good[place] ^ data.draw(st.integers(1, 255))])
    edit = data.draw(st.sampled_from([b"", changed, good[place : place + 1] + changed]))
    path.write_bytes(good[:place] + edit + good[place + 1 :])
    assert main([str(folder / "receipts" / "0001.json")]) == 1


def test_a_finding_is_one_line_whatever_the_receipt_holds() -> None:
    assert str(verify.Finding("fault", "ledger 'a\nok: all\x1b[2J'")) == "fault: ledger 'a\\u000aok: all\\u001b[2J'"


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a JSON document, the document itself left out."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, part in inner for found in [(*path, key), *places(part, (*path, key))]]


@pytest.mark.parametrize("junk", [None, 7, -1.5, True, "x", "\n\n", [], [[]], {}, {"x": {}}])
def test_no_signed_junk_makes_the_verifier_stumble(tmp_path: Path, junk: object) -> None:
    WORLD.write(tmp_path)
    statement = json.loads(WORLD.receipt().statement())
    for path in places(statement):
        edited = json.loads(json.dumps(statement))
        holder = edited
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] = junk
        findings = verify.verify_receipt(
            sign_envelope(PAYLOAD_TYPE, rfc8785.dumps(edited), [KEY]).to_bytes(),
            keys=KEY.verifier.text,
            checkpoint=make_checkpoint(WORLD.leaves, 7),
            dataset=tmp_path,
            log=None,
        )
        # nothing to hold them against
        owners_word = path[-1] in ("what", "why", "removed", "duration_s", "path", "previous", "revocations")
        assert owners_word or any(each.kind == "fault" for each in findings), path


def test_every_byte_of_the_receipt_matters(tmp_path: Path) -> None:
    path = WORLD.write(tmp_path)
    good = path.read_bytes()

    def kinds(data: bytes) -> set[str]:
        found = verify.verify_receipt(
            data,
            keys=KEY.verifier.text,
            checkpoint=make_checkpoint(WORLD.leaves, 7),
            dataset=tmp_path,
            log=None,
        )
        return {each.kind for each in found}

    assert kinds(good) == {"ok", "note"}
    for place in range(0, len(good), 7):
        changed = good[:place] + bytes([good[place] ^ 4]) + good[place + 1 :]
        assert "fault" in kinds(changed), place
    for place in range(good.index(b'"signatures"'), len(good)):  # also what DSSE does not sign: keyid and spaces
        for inserted in (b" ", b""):
            assert "fault" in kinds(good[:place] + inserted + good[place + (not inserted) :]), place


# --- the dataset ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shard", [shard_path(NEW_SHARD), shard_path(UNTOUCHED_SHARD, 1)])
def test_a_swapped_shard_is_found(receipt: Path, faults: Callable[..., list[str]], shard: str) -> None:
    (receipt.parents[1] / shard).write_bytes(b"cleo and dam")
    signed = sha256(NEW_SHARD if shard == shard_path(NEW_SHARD) else UNTOUCHED_SHARD)
    assert faults(receipt) == [
        f"{shard} was changed or exchanged: its hash is {sha256(b'cleo and dam')}, signed was {signed}"
    ]


def test_a_missing_shard_is_found(receipt: Path, faults: Callable[..., list[str]]) -> None:
    (receipt.parents[1] / shard_path(NEW_SHARD)).unlink()
    assert faults(receipt) == [f"{shard_path(NEW_SHARD)} cannot be read (No such file or directory)"]


def test_an_edited_release_manifest_is_found(receipt: Path, faults: Callable[..., list[str]]) -> None:
    manifest = receipt.parents[1] / "dataset.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"2.0.0", b"2.0.1"))
    assert faults(receipt) == ["dataset.json (version 2.0.1) is not that of the receipt (version 2.0.0)"]


def test_the_old_shard_come_back_is_found(receipt: Path, faults: Callable[..., list[str]]) -> None:
    release = receipt.parents[1]
    (release / shard_path(OLD_SHARD)).write_bytes(OLD_SHARD)
    assert faults(receipt) == [
        f"{shard_path(OLD_SHARD)} is said to be PHYSICAL, but it is still there or its name was used again",
        f"{shard_path(OLD_SHARD)} lies among the shards, but the release does not name it",
        f"{shard_path(OLD_SHARD)} holds what is said to be removed",
    ]
    (release / shard_path(OLD_SHARD)).rename(release / "shards" / "innocent.tar")
    assert faults(receipt)[-1] == "shards/innocent.tar holds what is said to be removed"


def test_a_reused_shard_name_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    reused = shard_path(OLD_SHARD)
    world = replace(WORLD, files={reused: NEW_SHARD})

    def edit(statement: dict[str, Any]) -> None:
        statement["predicate"]["files"][1]["new_path"] = reused
        statement["subject"][1]["name"] = reused

    assert faults(world.write(tmp_path, edited_statement(edit, world))) == [
        f"{reused} reuses the name of a shard: caches would go on to serve the old one",
        f"{reused} does not carry its hash in its name",
    ]


def test_the_old_shard_under_a_new_number_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    world = replace(WORLD, files={**WORLD.files, shard_path(OLD_SHARD, 9): OLD_SHARD})
    assert faults(world.write(tmp_path)) == [f"{shard_path(OLD_SHARD, 9)} holds what is said to be removed"]


def test_a_shard_that_is_only_logically_gone_may_still_lie_there(
    tmp_path: Path, faults: Callable[..., list[str]]
) -> None:
    manifest, shard = WORLD.receipt().files
    signed = WORLD.receipt(files=[manifest, replace(shard, level="LOGICAL")]).signed([KEY]).to_bytes()
    receipt = WORLD.write(tmp_path, signed)
    (tmp_path / shard_path(OLD_SHARD)).write_bytes(OLD_SHARD)
    assert faults(receipt) == []


def test_a_withdrawal_that_is_only_logged_changes_nothing(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    manifest = sha256(WORLD.manifest())
    shard = shard_path(NEW_SHARD), sha256(NEW_SHARD)
    files = [
        FileChange("dataset.json", manifest, "dataset.json", manifest, "LOGGED"),
        FileChange(*shard, *shard, "LOGGED"),
    ]
    assert faults(WORLD.write(tmp_path, WORLD.receipt(files=files).signed([KEY]).to_bytes())) == []


def test_a_release_that_still_names_the_old_shard_is_found(tmp_path: Path, faults: Callable[..., list[str]]) -> None:
    world = replace(WORLD, files={**WORLD.files, shard_path(OLD_SHARD): OLD_SHARD})
    assert f"{shard_path(OLD_SHARD)} is said to be PHYSICAL, but the release still names it" in faults(
        world.write(tmp_path)
    )


# --- what cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("ledger.pub", b"", "the key file holds no key"),
        ("ledger.pub", b"key\n", "the key file holds a line that is no Ed25519 key NAME+ID+BASE64"),
        ("ledger.pub", b"\xff", "ledger.pub is not text"),
        ("checkpoint", b"checkpoint", "the checkpoint that was given is no signed checkpoint"),
        ("receipts/0001.json", b"{}", "the receipt is no DSSE envelope"),
        (
            "receipts/0001.json",
            WORLD.receipt().signed([KEY]).to_bytes() + b"\n",
            "the receipt is not written in the one canonical way: it was edited",
        ),
        (
            "receipts/0001.json",
            sign_envelope("text/plain", b"hello", [KEY]).to_bytes(),
            "the receipt holds 'text/plain', expected 'application/vnd.in-toto+json'",
        ),
        ("receipts/0001.json", b"[" * 100_000, "the receipt is not JSON that can be used"),
        ("receipts/0001.json", b'{"a":1,"a":2}', "the receipt is not JSON that can be used (a field is named twice)"),
        ("dataset.json", b"[]", "dataset.json (version None) is not that of the receipt (version 2.0.0)"),
        ("dataset.json", b"{", "dataset.json is not JSON that can be used"),
    ],
)
def test_what_cannot_be_read_is_a_fault(
    receipt: Path, faults: Callable[..., list[str]], name: str, data: bytes, fault: str
) -> None:
    (receipt.parents[1] / name).write_bytes(data)
    assert fault in faults(receipt)[0]


@pytest.mark.parametrize("name", ["ledger.pub", "checkpoint", "receipts/0001.json"])
def test_what_is_not_there_is_a_fault(receipt: Path, faults: Callable[..., list[str]], name: str) -> None:
    (receipt.parents[1] / name).unlink()
    assert len(faults(receipt)) == 1


# --- the lines that are written twice, held against each other -------------------------------------------------------


def test_both_find_the_same_roots() -> None:
    leaves = [b"%d" % number for number in range(130)]
    assert verify._roots(leaves, range(131)) == {size: merkle.root_of(MANY[:size]) for size in range(131)}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_both_judge_inclusion_alike(data: st.DataObject) -> None:
    size, index = data.draw(st.integers(1, 130)), data.draw(st.integers(0, 129))
    path = list(merkle.inclusion_path(MANY[:size], min(index, size - 1)))
    path = data.draw(st.sampled_from([path, path[1:], path[:-1], [*path, MANY[0]], path[::-1]]))
    claim = MANY[data.draw(st.sampled_from([index, 0]))], index, size + data.draw(st.integers(-1, 1)), path
    root = merkle.root_of(MANY[:size])
    assert verify._included(*claim, root) == merkle.verify_inclusion(*claim, root).ok


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_both_judge_consistency_alike(data: st.DataObject) -> None:
    new_size = data.draw(st.integers(0, 130))
    old_size = data.draw(st.integers(0, new_size))
    path = list(merkle.consistency_path(MANY[:new_size], old_size))
    path = data.draw(st.sampled_from([path, path[1:], path[:-1], [*path, MANY[0]], path[::-1]]))
    sizes = max(old_size + data.draw(st.integers(-1, 1)), 0), new_size + data.draw(st.sampled_from([0, 0, 1]))
    roots = merkle.root_of(MANY[:old_size]), merkle.root_of(MANY[:new_size])
    assert verify._consistent(*sizes, path, *roots) == merkle.verify_consistency(*sizes, path, *roots).ok


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_both_judge_checkpoints_alike(data: st.DataObject) -> None:
    extensions = tuple(data.draw(st.lists(st.sampled_from(["x", "— y", "é"]), max_size=2)))
    checkpoint = Checkpoint(KEY.name, data.draw(st.integers(0, 10**9)), b"\x5d" * 32, extensions)
    others = data.draw(st.lists(st.sampled_from([KEY, SigningKey("witness", bytes(32))]), max_size=2))
    note = bytearray(sign_note(checkpoint.text(), [*others, KEY]))
    if data.draw(st.booleans()):
        note[data.draw(st.integers(0, len(note) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        opened = open_checkpoint(bytes(note), [KEY.verifier])
        theirs = opened.origin, opened.size, opened.root
    except NoteError:
        theirs = None
    try:
        found = verify._open_checkpoint(bytes(note), verify._read_keys(KEY.verifier.text), "checkpoint")
        ours = found.origin, found.size, found.root
    except verify._BrokenError:
        ours = None
    assert ours == theirs
