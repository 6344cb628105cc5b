"""Where a document says other than what its platform enforces, by the rules that layers are merged by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obsc import durations
from obsc.merge import name_of
from obsc.source import Node, Path, plain
from obsc.spec.reflect import site
from obsc.spec.service import ATOMIC, NAMED_LISTS, UNIONS, AIService


class Contradiction(NamedTuple):
    """A value that the document has at a path, and the one that holds."""

    path: Path
    said: Node
    holds: Node


def contradictions(enforced: Node, said: Node, path: Path = ()) -> Iterator[Contradiction]:
    """Each value of a document (or an overlay of one) that would be lost, since the platform enforces another."""
    whole = bool(path) and path[-1] in ATOMIC
    if path[-2:] in UNIONS or _says_nothing(enforced, said, whole=whole):
        return
    if isinstance(enforced.value, dict) and isinstance(said.value, dict) and not whole:
        for key, inner in enforced.value.items():
            if key in said.value:
                yield from contradictions(inner, said.value[key], (*path, key))
    elif isinstance(enforced.value, tuple) and isinstance(said.value, tuple) and path[-1] in NAMED_LISTS and enforced.value:
        for index, item in enumerate(said.value):
            for inner in enforced.value:
                if isinstance(item.value, dict) and isinstance(inner.value, dict) and name_of(item) == name_of(inner):
                    yield from contradictions(inner, item, (*path, index))
    elif not _same(enforced, said, path):
        yield Contradiction(path, said, enforced)


def _says_nothing(enforced: Node, said: Node, *, whole: bool) -> bool:
    return (said.null_word and isinstance(enforced.value, dict)) or (whole and said.value == {})


def _same(enforced: Node, said: Node, path: Path) -> bool:
    one, other = plain(enforced), plain(said)
    if one == other:
        return True
    form = site(AIService, path).words
    if "a duration" not in form and "a percentage" not in form:
        return False
    return _number(one) is not None and _number(one) == _number(other)


def _number(value: object) -> float | None:
    """Seconds of a duration, share of a percentage, or the number."""
    if isinstance(value, str):
        share = value.removesuffix("%")
        if share != value and share.replace(".", "", 1).isdecimal():
            return round(float(share) / 100, 12)
        return durations.parse(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
