"""Two releases of a runtime → which metrics appear, go, or have another name, and how signals are read before and behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from obsc.catalog.profile import Measure, Metric, Presence, Profile
from obsc.catalog.versions import Range, parse
from obsc.catalog.words import bounds, measure, there

_KEYS = ("errors", "total", "counters", "histogram", "mean_sum", "mean_count", "gauge")


@dataclass(frozen=True, slots=True)
class Renamed:
    """A metric under its old and its new name, the signal that reads either, and what else is not the same."""

    old: str
    new: str
    signal: str
    labels_gone: tuple[str, ...] = ()
    labels_new: tuple[str, ...] = ()
    buckets: tuple[str, str] | None = None
    unit: tuple[str, str] | None = None
    type: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """How a signal is read in two releases: ways in words, several where releases in between leave it open; () for not at all."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What is not the same in two releases. `open`: metrics of which it is not known for one of the two."""

    appear: tuple[str, ...]
    vanish: tuple[str, ...]
    renamed: tuple[Renamed, ...]
    open: tuple[tuple[str, Presence, Presence], ...]
    signals: tuple[Signal, ...]


def compare(profile: Profile, before: Range, after: Range) -> Difference:
    """What of a runtime is not the same in two ranges of its releases. What its companions decide is left open by both."""
    was = {one.name: _there(one, before) for one in profile.metrics}
    now = {one.name: _there(one, after) for one in profile.metrics}
    appear = {name for name in was if (was[name], now[name]) == (Presence.NO, Presence.YES)}
    vanish = {name for name in was if (was[name], now[name]) == (Presence.YES, Presence.NO)}
    goes = {name for name in was if was[name] is not Presence.NO and now[name] is Presence.NO}
    comes = {name for name in was if was[name] is not Presence.YES and now[name] is not Presence.NO}
    renamed = tuple(_renamed(profile, goes, comes))
    known = {one.old for one in renamed} | {one.new for one in renamed}
    unsure = tuple((name, was[name], now[name]) for name in was if was[name] is not now[name] and name not in appear | vanish | known)
    return Difference(tuple(name for name in was if name in appear - known), tuple(name for name in was if name in vanish - known),
                      renamed, unsure, tuple(_signals(profile, was, now)))


def instead(profile: Profile, name: str, versions: Range) -> tuple[str, ...]:
    """Metrics that exist in a range and are read, for the same signal, in the place of one that does not."""
    facts, found = {one.name: one for one in profile.metrics}, dict[str, None]()
    for _, ways in profile.measures:
        pairs = (pair for old in ways for new in ways for pair in _pairs(old, new))
        found |= dict.fromkeys(new for old, new in pairs if old == name != new and _there(facts[new], versions) is Presence.YES)
    return tuple(found)


def _there(one: Metric, versions: Range) -> Presence:
    anything = parse(None)
    assert anything is not None
    return there(one, versions, anything)


def _renamed(profile: Profile, goes: set[str], comes: set[str]) -> Iterator[Renamed]:
    """Pairs that one signal reads in the same place of two ways, of which one goes and the other comes, or may have come."""
    facts, seen = {one.name: one for one in profile.metrics}, set[tuple[str, str]]()
    for signal, ways in profile.measures:
        for old, new in ((old, new) for old in ways for new in ways):
            for pair in _pairs(old, new):
                if pair not in seen and pair[0] in goes and pair[1] in comes:
                    seen.add(pair)
                    yield _changed(facts[pair[0]], facts[pair[1]], signal)


def _pairs(old: Measure, new: Measure) -> Iterator[tuple[str, str]]:
    for key in _KEYS:
        one, other = getattr(old, key), getattr(new, key)
        if isinstance(one, tuple):
            if len(one) == len(other):
                yield from zip((term.metric for term in one), (term.metric for term in other), strict=True)
        elif one is not None and other is not None:
            yield one.metric, other.metric


def _changed(old: Metric, new: Metric, signal: str) -> Renamed:
    def pair(one: str, other: str) -> tuple[str, str] | None:
        return (one, other) if one != other else None

    return Renamed(old.name, new.name, signal, tuple(sorted(set(old.labels) - set(new.labels))),
                   tuple(sorted(set(new.labels) - set(old.labels))), pair(bounds(old), bounds(new)), pair(old.unit, new.unit),
                   pair(old.type, new.type))


def _signals(profile: Profile, was: dict[str, Presence], now: dict[str, Presence]) -> Iterator[Signal]:
    for signal, ways in profile.measures:
        before, after = _read(ways, was), _read(ways, now)
        if before != after:
            yield Signal(signal, before, after)


def _read(ways: tuple[Measure, ...], presence: dict[str, Presence]) -> tuple[str, ...]:
    """The ways that may be read: up to the first whose metrics are all there."""
    found: list[str] = []
    for way in ways:
        states = {presence[term.metric] for term in way.terms}
        if Presence.NO in states:
            continue
        found.append(measure(way))
        if states == {Presence.YES}:
            break
    return tuple(found)
