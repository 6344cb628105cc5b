"""A metric's presence is known only where somebody opened a release: between two readings it is unknown."""

from __future__ import annotations

import pytest

from obsc.catalog.profile import Metric, Presence
from obsc.catalog.versions import Range, order, parse, presence

YES, NO, UNKNOWN = Presence.YES, Presence.NO, Presence.UNKNOWN


def numbers(*parts: int) -> tuple[int, ...]:
    return parts + (0,) * (5 - len(parts))


@pytest.mark.parametrize(("text", "first", "end"), [
    ("0.15", (0, 15), (0, 16)),
    ("0.15.0", (0, 15, 0), (0, 15, 1)),
    ("v0.15.0", (0, 15, 0), (0, 15, 1)),
    ("3", (3,), (4,)),
    (">=0.11 <0.13", (0, 11), (0, 13)),
    ("<0.13   >=0.11", (0, 11), (0, 13)),
    (">0.15 <=0.17", (0, 16), (0, 18)),
    (">0.15.0 <0.17", (0, 15, 1), (0, 17)),
    ("==0.15", (0, 15), (0, 16)),
    ("=0.15.2", (0, 15, 2), (0, 15, 3)),
    (">= 0.9.2 < 0.10", (0, 9, 2), (0, 10)),
    ("<0.10", (0,), (0, 10)),
])
def test_a_range_has_its_first_release_and_the_first_behind_it(
        text: str, first: tuple[int, ...], end: tuple[int, ...]) -> None:
    assert parse(text) == Range(numbers(*first), numbers(*end))


@pytest.mark.parametrize("text", [
    "", "latest", "0.15.x", "0.15-rc1", "0.15 0.16", ">=0.13 <0.11", "<0", "<0.0", ">=0.15 <0.15.0", ">=0.15,<0.16",
    "!=0.15", "1.2.3.4.5.6", ">=", "0..1",
])
def test_an_empty_or_unreadable_range_is_none(text: str) -> None:
    assert parse(text) is None


def test_without_a_version_every_release_is_meant() -> None:
    everything = parse(None)
    assert everything is not None
    for text in ("0", "0.15", "99999.1", "20261124"):
        one = parse(text)
        assert one is not None
        assert everything.first <= one.first < one.end <= everything.end


def test_releases_compare_by_number_and_not_by_text() -> None:
    assert sorted(["0.10.2", "0.9.2", "0.9", "0.27.1"], key=order) == ["0.9", "0.9.2", "0.10.2", "0.27.1"]
    assert order("0.12") == order("0.12.0")


ALWAYS = Metric("always", "gauge", "count", ())
NEW = Metric("new", "gauge", "count", (), absent_until="0.8.5", seen_from="0.9.2")
OLD = Metric("old", "gauge", "count", (), seen_until="0.10.2", absent_from="0.11.2")
BRIEF = Metric("brief", "gauge", "count", (), absent_until="0.10.2", seen_from="0.11.2", seen_until="0.20.2",
               absent_from="0.27.1")
# Nobody opened a release without it.
FOUND = Metric("found", "gauge", "count", (), seen_from="0.33.0")


@pytest.mark.parametrize(("metric", "version", "expected"), [
    (ALWAYS, None, YES), (ALWAYS, "0.1", YES), (ALWAYS, ">=7", YES),
    (NEW, "0.8", UNKNOWN), (NEW, "0.8.5", NO), (NEW, "0.7", NO), (NEW, "<0.8.5", NO), (NEW, "<=0.8.5", NO),
    (NEW, "0.8.6", UNKNOWN), (NEW, "0.9.1", UNKNOWN), (NEW, "0.9", UNKNOWN), (NEW, "0.9.2", YES), (NEW, ">=0.9.2", YES),
    (NEW, "0.10", YES), (NEW, ">=0.8 <0.12", UNKNOWN), (NEW, None, UNKNOWN),
    (OLD, "0.9", YES), (OLD, "0.10.2", YES), (OLD, "<=0.10.2", YES), (OLD, "0.10", UNKNOWN), (OLD, "0.10.3", UNKNOWN),
    (OLD, "0.11", UNKNOWN), (OLD, "0.11.1", UNKNOWN), (OLD, "0.11.2", NO), (OLD, ">=0.11.2", NO), (OLD, "0.12", NO),
    (OLD, ">=0.9 <0.13", UNKNOWN), (OLD, None, UNKNOWN),
    (BRIEF, "0.10.2", NO), (BRIEF, "0.11.0", UNKNOWN), (BRIEF, "0.12", YES), (BRIEF, ">=0.11.2 <=0.20.2", YES),
    (BRIEF, "0.25", UNKNOWN), (BRIEF, "0.28", NO), (BRIEF, ">=0.10 <0.28", UNKNOWN), (BRIEF, None, UNKNOWN),
    (FOUND, "0.32", UNKNOWN), (FOUND, "0.1", UNKNOWN), (FOUND, "0.33", YES), (FOUND, "1", YES), (FOUND, None, UNKNOWN),
])
def test_presence(metric: Metric, version: str | None, expected: Presence) -> None:
    versions = parse(version)
    assert versions is not None
    assert presence(metric, versions) is expected
