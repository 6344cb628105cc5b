"""Expressions of people, judged by what is known of their metrics: they parse, and say another thing than they seem to.

`judged` finds patterns; who calls it knows the service (or no service at all, as `verify`) and reports them at a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obsc.patterns.alerting import alerting
from obsc.patterns.counters import counters
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.histograms import histograms
from obsc.patterns.matchers import matchers
from obsc.patterns.ranges import ranges
from obsc.patterns.sides import sides
from obsc.patterns.tree import Node, read
from obsc.patterns.unbounded import is_unbounded, unbounded
from obsc.patterns.units import units
from obsc.patterns.value import Reader

__all__ = ["Pattern", "Setting", "is_unbounded", "judged"]

_JUDGES: tuple[Callable[[Node, Reader, Setting], Iterator[Pattern]], ...] = (
    histograms, counters, units, sides, matchers, ranges, alerting, unbounded)


def judged(text: str, setting: Setting) -> tuple[Pattern, ...]:
    """What is to be said against an expression that `promql.problem` accepts, each thing once."""
    root, reader = read(text), Reader(setting.facts)
    return tuple(dict.fromkeys(found for judge in _JUDGES for found in judge(root, reader, setting)))
