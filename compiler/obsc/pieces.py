"""What is too large for one object, divided so that what grows moves nothing but what lies beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from obsc import sizes

T = TypeVar("T")
_DEEPEST = 16  # bits of a piece's name; 65,536 pieces are far beyond what one service has


class Sized(NamedTuple):
    """How an item is told from others, whatever it holds, and how many bytes it takes."""

    key: str
    size: int


def divide(items: Sequence[T], measure: Callable[[T], Sized], limit: int = sizes.PIECE_LIMIT) -> tuple[tuple[str, tuple[T, ...]], ...]:
    """The items by pieces of at most `limit` bytes, in order of the pieces' names: one piece, called "", if they fit into one.

    An item belongs where the digest of its key says, bit by bit. A piece that is too large is divided by the next bit and
    all others stay what they are. An item that is larger than the limit is a piece of its own.
    """
    known = [(_bits(found.key), found.size, item) for item in items for found in (measure(item),)]
    return tuple((name, tuple(item for _, _, item in members)) for name, members in _leaves("", known, limit))


def _leaves(name: str, known: list[tuple[str, int, T]], limit: int) -> list[tuple[str, list[tuple[str, int, T]]]]:
    if not known and name:
        return []
    alike = len({bits for bits, _, _ in known}) < 2
    if alike or sum(size for _, size, _ in known) <= limit:
        return [(name, known)]
    halves = ([one for one in known if one[0][len(name)] == bit] for bit in "01")
    return [leaf for bit, half in zip("01", halves, strict=True) for leaf in _leaves(name + bit, half, limit)]


def _bits(key: str) -> str:
    return f"{int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], 'big'):032b}"[:_DEEPEST]
