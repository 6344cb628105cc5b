"""Numbers and units: what a metric is compared with, and what it is added to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obsc.diagnostics import Severity
from obsc.durations import number
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import COMPARISONS, Node, parts, selectors
from obsc.patterns.value import Reader, Value

_TIMES = frozenset({"quantile", "mean", "lifetime"})
# Units that cannot be added to each other; counts of this and that are left alone.
_PHYSICAL = frozenset({"seconds", "milliseconds", "microseconds", "nanoseconds", "bytes", "megabytes", "mebibytes", "gigabytes", "ratio",
                       "percent", "celsius", "watts", "joules", "millijoules", "microjoules", "megahertz", "timestamp", "cores",
                       "bytes/second", "gigabytes/second", "megabits/second", "tokens/second"})


class _Likely(NamedTuple):
    """Values that a threshold in a unit has, and what it looks like outside of them."""

    least: float
    most: float
    looks: str
    natures: frozenset[str]


_ANY = frozenset({"level", *_TIMES})
_LIKELY: dict[str, _Likely] = {
    "seconds": _Likely(0, 300, "milliseconds", _TIMES), "milliseconds": _Likely(10, 1e7, "seconds", _ANY),
    "microseconds": _Likely(1000, 1e10, "seconds", _ANY), "nanoseconds": _Likely(1e6, 1e13, "seconds", _ANY),
    "bytes": _Likely(1e5, 1e18, "mebibytes or gibibytes", _ANY), "mebibytes": _Likely(0, 1e8, "bytes", _ANY),
    "percent": _Likely(1, 1e4, "a ratio", _ANY)}


def units(root: Node, reader: Reader, _: Setting) -> Iterator[Pattern]:
    """Thresholds in another unit than the metric's, and sums and differences of unlike things."""
    for node in parts(root):
        if node.kind == "binary" and (node.name in COMPARISONS or node.name in {"+", "-"}):
            left, right = (reader.value(one) for one in node.args)
            if node.name in COMPARISONS and "number" in {left.nature, right.nature}:
                yield from _threshold(node, left, right)
            elif _unlike(left, right):
                what = "compared with" if node.name in COMPARISONS else "added to" if node.name == "+" else "taken from"
                first, second = (right, left) if node.name == "-" else (left, right)
                yield Pattern("S384", f"{first.unit} are {what} {second.unit}", "bring both to one unit first")


def _unlike(left: Value, right: Value) -> bool:
    known = {left.unit, right.unit} <= _PHYSICAL and left.unit != right.unit
    # A rate of seconds per second has no unit, and one of bytes is bytes per second.
    return known and "rate" not in {left.nature, right.nature} and not {left.nature, right.nature} & {"buckets", "bucket rate"}


def _threshold(node: Node, left: Value, right: Value) -> Iterator[Pattern]:
    value, at = (left, node.args[1]) if right.nature == "number" else (right, node.args[0])
    if at.kind != "number" or at.number <= 0:
        return
    name = next((one.name for one in selectors(node)), "")
    if value.unit == "ratio" and at.number > 1 and value.nature in {"level", "mean"}:
        yield _beyond_one(name, value, at.number)
    likely = _LIKELY.get(value.unit)
    if likely is not None and value.nature in likely.natures and not likely.least <= at.number < likely.most:
        yield Pattern("S384", f"`{name}` is in {value.unit}, and {number(at.number)} looks like {likely.looks}",
                      f"write the threshold in {value.unit}")


def _beyond_one(name: str, value: Value, threshold: float) -> Pattern:
    own = len(value.metrics) == 1 and value.nature == "level"
    hint = f"write {number(threshold / 100)}" if threshold <= 100 else "write a number from 0 to 1"
    what = f"`{name}` is a ratio from 0 to 1" if own else "a share of a whole lies between 0 and 1"
    return Pattern("S384", f"{what}: it is never {number(threshold)}", hint, Severity.ERROR if own else Severity.WARNING)
