"""The Merkle tree of RFC 6962 over SHA-256: roots, proofs, and their verification. No I/O.

The shape of the tree is that of RFC 6962 section 2.1 (RFC 9162 section 2.1.1): a tree of n > 1 leaves splits at k, the
largest power of two below n. Leaves and nodes are hashed with different first bytes, so that no node can pass for a
leaf. A proof is a list of 32-byte hashes; what it is verified against (index, size, root) comes from a checkpoint that
the verifier trusts. An inclusion proof does not bind the size: only the signed checkpoint does.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "EMPTY_ROOT",
    "CompactRange",
    "Verdict",
    "consistency_path",
    "inclusion_path",
    "leaf_hash",
    "node_hash",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_HASH_BYTES: Final = 32


@dataclass(frozen=True)
class Verdict:
    """What a verification found: ``fault`` is None where the proof holds, else one sentence that says why not.

    It is true in a condition exactly where it holds.
    """

    fault: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the proof holds."""
        return self.fault is None

    def __bool__(self) -> bool:
        return self.ok


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 || data), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 || left || right), RFC 6962 section 2.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1; :data:`EMPTY_ROOT` without leaves.

    Pairing neighbours level by level, with an odd one moved up as it is, gives the tree of the definition.
    """
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        paired = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """PATH(index, leaves) of RFC 6962 section 2.1.1: the siblings from the leaf up to the root.

    Raises:
        ValueError: there is no leaf with this index (counted from 0).
    """
    if not 0 <= index < len(leaf_hashes):
        raise ValueError(f"there is no leaf {index} among {len(leaf_hashes)}; indices count from 0")
    return tuple(root_of(leaf_hashes[begin:end]) for begin, end in inclusion_ranges(index, len(leaf_hashes)))


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Which leaves ``[begin, end)`` each hash of an inclusion path is over, from the leaf up; for 0 <= index < size."""
    ranges = []
    begin, end = 0, size
    while end - begin > 1:  # from the root down
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_path(leaf_hashes: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """PROOF(old_size, leaves) of RFC 6962 section 2.1.2: shows that the first ``old_size`` leaves have not changed.

    Empty where there is nothing to show: for ``old_size`` 0 (which the RFC leaves undefined) and for all leaves.

    Raises:
        ValueError: ``old_size`` is negative or more than there are leaves.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise ValueError(f"{len(leaf_hashes)} leaves cannot hold an older tree of {old_size}")
    return tuple(root_of(leaf_hashes[begin:end]) for begin, end in consistency_ranges(old_size, len(leaf_hashes)))


def consistency_ranges(old_size: int, size: int) -> list[tuple[int, int]]:
    """Which leaves ``[begin, end)`` each hash of a consistency path is over; for 0 <= old_size <= size."""
    if old_size in (0, size):
        return []
    ranges = []
    begin, end = 0, size
    while old_size < end:  # SUBPROOF, from the root down, until the old tree's last subtree is met
        middle = begin + _split(end - begin)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin > 0:  # only where the old tree is no complete subtree at the left: else the verifier has its root
        ranges.append((begin, end))
    return ranges[::-1]


def complete_subtrees(begin: int, end: int) -> list[tuple[int, int]]:
    """Gives the complete subtrees ``(level, place)`` that make up the leaves ``[begin, end)``, the largest first.

    Such leaves are a range of a proof; a subtree covers ``2**level`` of them from ``place * 2**level`` on.
    """
    found = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        found.append((level, begin >> level))
        begin += 1 << level
    return found


def fold(roots: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that lie side by side, the largest first; :data:`EMPTY_ROOT` without any."""
    if not roots:
        return EMPTY_ROOT
    found = roots[-1]
    for left in reversed(roots[:-1]):
        found = node_hash(left, found)
    return found


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> Verdict:
    """Whether the leaf with the hash ``leaf`` stands at ``index`` in the tree of ``size`` leaves with this ``root``.

    The algorithm of RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return Verdict(f"index {index} is outside of a tree of {size} leaves")
    if any(len(part) != _HASH_BYTES for part in (leaf, root, *path)):
        return Verdict("a hash is not 32 bytes long")
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return Verdict("the path is longer than the tree is high")
        if node % 2 == 1 or node == last:
            found = node_hash(sibling, found)
            while node % 2 == 0 and node != 0:  # levels at which this node was moved up as it is
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        return Verdict("the path ends below the root")
    return Verdict() if found == root else Verdict("the path leads to another root")


def verify_consistency(
    old_size: int, new_size: int, path: Sequence[bytes], old_root: bytes, new_root: bytes
) -> Verdict:
    """Whether the tree of ``new_size`` leaves begins with the tree of ``old_size`` leaves.

    The algorithm of RFC 9162 section 2.1.4.2, and for what it leaves out: an empty tree is the beginning of any.
    """
    if not 0 <= old_size <= new_size:
        return Verdict(f"a tree of {new_size} leaves cannot continue one of {old_size}")
    if any(len(part) != _HASH_BYTES for part in (old_root, new_root, *path)):
        return Verdict("a hash is not 32 bytes long")
    if 0 in (old_size, new_size) and old_root != EMPTY_ROOT:
        return Verdict("the root of the empty tree is another")
    if old_size == new_size and old_root != new_root:
        return Verdict("two roots of one size: the log was forked")
    if old_size in (0, new_size):
        return Verdict("the path must be empty") if path else Verdict()

    # A power of two is a complete subtree: the proof begins with the old root, which is left out.
    hashes = [old_root, *path] if old_size & (old_size - 1) == 0 else list(path)
    if not hashes:
        return Verdict("the path is empty")
    node, last = old_size - 1, new_size - 1
    while node % 2 == 1:
        node, last = node >> 1, last >> 1
    old_found = new_found = hashes[0]
    for part in hashes[1:]:
        if last == 0:
            return Verdict("the path is longer than the tree is high")
        if node % 2 == 1 or node == last:
            old_found, new_found = node_hash(part, old_found), node_hash(part, new_found)
            while node % 2 == 0 and node != 0:
                node, last = node >> 1, last >> 1
        else:
            new_found = node_hash(new_found, part)
        node, last = node >> 1, last >> 1
    if last != 0:
        return Verdict("the path ends below the root")
    if old_found != old_root:
        return Verdict("the path does not lead to the old root")
    return Verdict() if new_found == new_root else Verdict("the path does not lead to the new root")


@dataclass(frozen=True)
class CompactRange:
    """A tree that can only grow, as the roots of its complete subtrees: all that appending needs, O(log size).

    Attributes:
        size: how many leaves.
        roots: one hash for every 1 in the binary digits of ``size``, the largest subtree first.

    Raises:
        ValueError: there are more or fewer ``roots`` than ``size`` has, or one is not 32 bytes long.
    """

    size: int = 0
    roots: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.roots) != self.size.bit_count():
            raise ValueError(f"a tree of {self.size} leaves has not {len(self.roots)} complete subtrees")
        if any(len(root) != _HASH_BYTES for root in self.roots):
            raise ValueError("a hash is not 32 bytes long")

    def append(self, leaf: bytes) -> "CompactRange":
        """The tree with one leaf more, of which the hash is given."""
        return self.append_with_nodes(leaf)[0]

    def append_with_nodes(self, leaf: bytes) -> tuple["CompactRange", list[tuple[int, int, bytes]]]:
        """As :meth:`append`, and the subtrees ``(level, place, hash)`` of level 1 and above that the leaf completes."""
        roots, size = [*self.roots, leaf], self.size
        made: list[tuple[int, int, bytes]] = []
        while size & 1:  # two subtrees of one height make one, as carries do in a sum
            right = roots.pop()
            roots[-1] = node_hash(roots[-1], right)
            size >>= 1
            made.append((len(made) + 1, size, roots[-1]))
        return CompactRange(self.size + 1, tuple(roots)), made

    def root(self) -> bytes:
        """The root of the whole tree; :data:`EMPTY_ROOT` without leaves."""
        return fold(self.roots)


def _split(size: int) -> int:
    """The largest power of two below ``size`` (> 1): where RFC 6962 section 2.1 splits a tree."""
    return 1 << ((size - 1).bit_length() - 1)
