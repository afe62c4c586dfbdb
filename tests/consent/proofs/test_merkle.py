"""The Merkle tree: the vectors of Certificate Transparency, what pymerkle gave as a second opinion, and properties."""

import hashlib
import json
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duologue_consent.proofs.merkle import (
    EMPTY_ROOT,
    CompactRange,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The reference tree of the Certificate Transparency project (google/certificate-transparency, merkle_tree_test).
DATA = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(text)
    for text in (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
L0 = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
L1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
L4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
L01 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"
L23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
L45 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
L67 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
L0123 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
L4567 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"

LEAVES = [leaf_hash(data) for data in DATA]
MANY = [leaf_hash(b"%d" % number) for number in range(301)]
PREFIX_ROOTS = [tree.root() for tree in accumulate(MANY, CompactRange.append, initial=CompactRange())]


def hexes(path: tuple[bytes, ...]) -> list[str]:
    return [part.hex() for part in path]


def flipped(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


# --- vectors --------------------------------------------------------------------------------------------------------


def test_leaves_and_nodes_are_hashed_apart() -> None:
    assert leaf_hash(b"").hex() == L0
    assert node_hash(leaf_hash(b""), leaf_hash(b"\x00")).hex() == L01
    assert leaf_hash(b"ab") == hashlib.sha256(b"\x00ab").digest() != node_hash(b"a", b"b")


@pytest.mark.parametrize("size", range(9))
def test_the_root_of_the_first_leaves(size: int) -> None:
    assert root_of(LEAVES[:size]) == ROOTS[size]


@pytest.mark.parametrize(
    ("index", "size", "path"),
    [
        (0, 1, []),
        (0, 8, [L1, L23, L4567]),
        (5, 8, [L4, L67, L0123]),
        (2, 3, [L01]),
        (1, 5, [L0, L23, L4]),
        (4, 5, [L0123]),
    ],
)
def test_an_inclusion_path(index: int, size: int, path: list[str]) -> None:
    assert hexes(inclusion_path(LEAVES[:size], index)) == path
    assert verify_inclusion(LEAVES[index], index, size, [bytes.fromhex(part) for part in path], ROOTS[size]).ok


@pytest.mark.parametrize(
    ("old_size", "new_size", "path"),
    [
        (0, 8, []),
        (1, 1, []),
        (1, 8, [L1, L23, L4567]),
        (6, 8, [L45, L67, L0123]),
        (2, 5, [L23, L4]),
        (4, 8, [L4567]),
        (8, 8, []),
    ],
)
def test_a_consistency_path(old_size: int, new_size: int, path: list[str]) -> None:
    assert hexes(consistency_path(LEAVES[:new_size], old_size)) == path
    parts = [bytes.fromhex(part) for part in path]
    assert verify_consistency(old_size, new_size, parts, ROOTS[old_size], ROOTS[new_size]).ok


# --- what is refused, and in which words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("index", "size", "path", "root", "fault"),
    [
        (8, 8, [L1, L23, L4567], ROOTS[8], "index 8 is outside of a tree of 8 leaves"),
        (-1, 8, [L1, L23, L4567], ROOTS[8], "index -1 is outside of a tree of 8 leaves"),
        (0, 0, [], EMPTY_ROOT, "index 0 is outside of a tree of 0 leaves"),
        (0, 8, [L1, L23], ROOTS[8], "the path ends below the root"),
        (0, 8, [L1, L23, L4567, L0], ROOTS[8], "the path is longer than the tree is high"),
        (0, 8, [L1, L23, L4567[2:]], ROOTS[8], "a hash is not 32 bytes long"),
        (0, 8, [L23, L1, L4567], ROOTS[8], "the path leads to another root"),
        (1, 8, [L1, L23, L4567], ROOTS[8], "the path leads to another root"),
        (0, 8, [L1, L23, L4567], ROOTS[7], "the path leads to another root"),
    ],
)
def test_an_inclusion_that_does_not_hold(index: int, size: int, path: list[str], root: bytes, fault: str) -> None:
    verdict = verify_inclusion(LEAVES[0], index, size, [bytes.fromhex(part) for part in path], root)
    assert (bool(verdict), verdict.fault) == (False, fault)


@pytest.mark.parametrize(
    ("old_size", "new_size", "path", "old_root", "new_root", "fault"),
    [
        (5, 4, [], ROOTS[5], ROOTS[4], "a tree of 4 leaves cannot continue one of 5"),
        (-1, 4, [], ROOTS[0], ROOTS[4], "a tree of 4 leaves cannot continue one of -1"),
        (0, 4, [], ROOTS[1], ROOTS[4], "the root of the empty tree is another"),
        (0, 4, [L0], ROOTS[0], ROOTS[4], "the path must be empty"),
        (4, 4, [], ROOTS[4], ROOTS[5], "two roots of one size: the log was forked"),
        (4, 4, [L0], ROOTS[4], ROOTS[4], "the path must be empty"),
        (6, 8, [], ROOTS[6], ROOTS[8], "the path is empty"),
        (6, 8, [L45, L67], ROOTS[6], ROOTS[8], "the path ends below the root"),
        (6, 8, [L45, L67, L0123, L0], ROOTS[6], ROOTS[8], "the path is longer than the tree is high"),
        (6, 8, [L45, L67, L0123[2:]], ROOTS[6], ROOTS[8], "a hash is not 32 bytes long"),
        (6, 8, [L45, L67, L0123], ROOTS[7], ROOTS[8], "the path does not lead to the old root"),
        (6, 8, [L45, L67, L0123], ROOTS[6], ROOTS[7], "the path does not lead to the new root"),
    ],
)
def test_a_consistency_that_does_not_hold(
    old_size: int, new_size: int, path: list[str], old_root: bytes, new_root: bytes, fault: str
) -> None:
    verdict = verify_consistency(old_size, new_size, [bytes.fromhex(part) for part in path], old_root, new_root)
    assert (bool(verdict), verdict.fault) == (False, fault)


def test_a_proof_of_what_is_not_there_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match="there is no leaf 8 among 8; indices count from 0"):
        inclusion_path(LEAVES, 8)
    with pytest.raises(ValueError, match="8 leaves cannot hold an older tree of 9"):
        consistency_path(LEAVES, 9)


def test_a_compact_range_that_fits_no_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="a tree of 5 leaves has not 1 complete subtrees"):
        CompactRange(5, (LEAVES[0],))
    with pytest.raises(ValueError, match="a hash is not 32 bytes long"):
        CompactRange().append(b"short")


# --- properties -----------------------------------------------------------------------------------------------------


def test_appending_gives_the_root_of_every_size_to_300() -> None:
    assert [root_of(MANY[:size]) for size in range(302)] == PREFIX_ROOTS


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_inclusion_proof_holds_and_with_any_bit_changed_does_not(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 300))
    index = data.draw(st.integers(0, size - 1))
    path = list(inclusion_path(MANY[:size], index))
    assert verify_inclusion(MANY[index], index, size, path, PREFIX_ROOTS[size]).fault is None

    parts = [MANY[index], PREFIX_ROOTS[size], *path]
    place = data.draw(st.integers(0, len(parts) - 1))
    parts[place] = flipped(parts[place], data.draw(st.integers(0, 255)))
    leaf, root, *path = parts
    assert verify_inclusion(leaf, index, size, path, root).fault == "the path leads to another root"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_consistency_proof_holds_and_with_any_bit_changed_does_not(data: st.DataObject) -> None:
    new_size = data.draw(st.integers(0, 300))
    old_size = data.draw(st.integers(0, new_size))
    path = list(consistency_path(MANY[:new_size], old_size))
    roots = PREFIX_ROOTS[old_size], PREFIX_ROOTS[new_size]
    assert verify_consistency(old_size, new_size, path, *roots).fault is None

    parts = [*roots, *path]
    place = data.draw(st.integers(0, len(parts) - 1))
    if place == 1 and old_size == 0 and new_size > 0:
        return  # from nothing, any root may follow: the checkpoint's signature is what binds it
    parts[place] = flipped(parts[place], data.draw(st.integers(0, 255)))
    old_root, new_root, *path = parts
    assert not verify_consistency(old_size, new_size, path, old_root, new_root).ok


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.data())
def test_a_leaf_at_another_place_or_another_leaf_there_is_found(size: int, data: st.DataObject) -> None:
    index, other = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size - 1))
    path = inclusion_path(MANY[:size], index)
    assert verify_inclusion(MANY[other], index, size, path, PREFIX_ROOTS[size]).ok == (other == index)
    assert verify_inclusion(MANY[index], other, size, path, PREFIX_ROOTS[size]).ok == (other == index)


# --- against pymerkle -----------------------------------------------------------------------------------------------

PYMERKLE = json.loads((Path(__file__).parent / "pymerkle.json").read_text())
"""What another implementation gave for the entries ``b"0"`` to ``b"63"``."""


def test_pymerkle_found_the_same_roots() -> None:
    assert PYMERKLE["roots"] == [root.hex() for root in PREFIX_ROOTS[1:65]]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33, 63, 64])
def test_pymerkle_proved_inclusion_by_the_same_hashes(size: int) -> None:
    paths = [b"".join(sorted(set(inclusion_path(MANY[:size], index)))) for index in range(size)]
    assert PYMERKLE["inclusion"][str(size)] == [hashlib.sha256(path).hexdigest()[:16] for path in paths]
