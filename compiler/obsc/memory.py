"""What stages made of things that are still there: a run that differs from one before in a single document makes only that anew.

Things are the same if they are the same objects; they are kept, so that no other takes their identity.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar, cast

from obsc.diagnostics import Diagnostic, Sink

_T = TypeVar("_T")


class Memory:
    """What was made, by what it was made of, with what was found meanwhile."""

    __slots__ = ("_closed", "_known")

    def __init__(self, *, closed: bool = False) -> None:
        self._known: dict[tuple[Hashable, ...], tuple[object, tuple[Diagnostic, ...], Sequence[object]]] = {}
        self._closed = closed

    def close(self) -> None:
        """Take no more: what is tried once is not worth its place."""
        self._closed = True

    def recall(self, make: Callable[[Sink], _T], sink: Sink, of: Sequence[object], *said: Hashable) -> _T:
        """What `make` makes `of` things, told apart by identity, and by what is `said` of them; its findings go to the sink."""
        key = (*said, *map(id, of))
        known = self._known.get(key)
        if known is None:
            own = sink.fresh()
            known = (make(own), tuple(own), tuple(of))
            if not self._closed:
                self._known[key] = known
        sink.extend(known[1])
        return cast("_T", known[0])


NONE = Memory(closed=True)  # of a run that no other follows
