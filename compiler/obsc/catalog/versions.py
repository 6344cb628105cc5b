"""Versions and ranges of them, and whether a metric is there at the version that a spec names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from obsc.catalog.profile import Metric, Presence

Release = tuple[int, ...]
_PARTS = 5
_EARLIEST: Release = (0,) * _PARTS
_ENDLESS: Release = (1 << 64,) * _PARTS
_NUMBER = rf"\d+(?:\.\d+){{0,{_PARTS - 1}}}"
_BOUND = rf"(?:>=|<=|>|<|==?)\s*v?{_NUMBER}"
_RELEASE = re.compile(rf"v?({_NUMBER})")
_RANGE = re.compile(rf"{_BOUND}(?:\s+{_BOUND})*")


@dataclass(frozen=True, slots=True)
class Range:
    """Releases from `first` (inclusive) to `end` (exclusive), as tuples of five numbers."""

    first: Release
    end: Release


def parse(text: str | None) -> Range | None:
    """`0.15` → 0.15.x, `v0.15.0` → that release, `>=0.11 <0.13`, None → any. None for an empty or unreadable range.

    A bound counts for all of what it names: `>0.15` begins with 0.16, `<=0.15` still has 0.15.3.
    """
    if text is None:
        return Range(_EARLIEST, _ENDLESS)
    single = _RELEASE.fullmatch(text.strip())
    if single is not None:
        return Range(_first(single[1]), _after(single[1]))
    if _RANGE.fullmatch(text.strip()) is None:
        return None
    first, end = _EARLIEST, _ENDLESS
    for sign, number in re.findall(rf"(>=|<=|>|<|==?)\s*v?({_NUMBER})", text):
        if sign in {">=", ">", "=", "=="}:
            first = max(first, _after(number) if sign == ">" else _first(number))
        if sign in {"<=", "<", "=", "=="}:
            end = min(end, _first(number) if sign == "<" else _after(number))
    return Range(first, end) if first < end else None


def at_least(version: str, *wanted: int) -> bool:
    """Whether a release, given whole (`3.14.0`), is this one or newer."""
    return tuple(int(part) for part in version.split(".")) >= wanted


def presence(metric: Metric, versions: Range) -> Presence:
    """Whether a metric exists in all of a range, in none of it, or in an unknown part of it.

    It is known to exist between the first and the last release where it was seen, and known to be missing up to
    the last release before and from the first release after them; what lies in between nobody opened.
    """
    appeared = _first(metric.seen_from) if metric.seen_from else _EARLIEST
    lasted = _after(metric.seen_until) if metric.seen_until else _ENDLESS
    if versions.first >= appeared and versions.end <= lasted:
        return Presence.YES
    before = bool(metric.absent_until) and versions.end <= _after(metric.absent_until)
    behind = bool(metric.absent_from) and versions.first >= _first(metric.absent_from)
    return Presence.NO if before or behind else Presence.UNKNOWN


def order(text: str) -> Release:
    """Sort key of a release."""
    return _first(text)


def _first(text: str) -> Release:
    """A release with all its parts: 0.12 and 0.12.0 are the same."""
    numbers = tuple(int(part) for part in text.split("."))
    return numbers + (0,) * (_PARTS - len(numbers))


def _after(text: str) -> Release:
    """The first release that is no longer of this name: 0.15 → 0.16, 0.15.0 → 0.15.1."""
    numbers = tuple(int(part) for part in text.split("."))
    return (*numbers[:-1], numbers[-1] + 1) + (0,) * (_PARTS - len(numbers))
