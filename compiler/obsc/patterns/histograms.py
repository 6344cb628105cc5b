"""Quantiles: of a share that exists, from buckets that still have their bounds, and never averaged."""

from __future__ import annotations

from collections.abc import Iterator

from obsc.diagnostics import Severity
from obsc.durations import number
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import Node, parts, selectors
from obsc.patterns.value import Reader, Value

_BUCKETS = frozenset({"buckets", "bucket rate"})
_AVERAGING = frozenset({"avg", "sum", "avg_over_time", "sum_over_time"})


def histograms(root: Node, reader: Reader, _: Setting) -> Iterator[Pattern]:
    """Quantiles that have no result, and what is made of quantiles."""
    for node in parts(root):
        if node.kind == "call" and node.name == "histogram_quantile":
            yield from _quantile(node, reader.value(node.args[1]))
        if node.name in _AVERAGING and node.kind in {"call", "aggregate"} and _direct(node, reader):
            yield Pattern("S383", f"`{node.name}` of quantiles is no quantile of all requests",
                          "sum the buckets first: `histogram_quantile(0.99, sum by (le) (rate(x_bucket[5m])))`; or take `max`")


def _direct(node: Node, reader: Reader) -> bool:
    value = reader.value(node.args[-1])
    return value.nature == "quantile"


def _quantile(node: Node, value: Value) -> Iterator[Pattern]:
    share, name = node.args[0], next((one.name for one in selectors(node)), "")
    if share.kind == "number" and not 0 <= share.number <= 1:
        yield Pattern("S380", f"the quantile {number(share.number)} is infinite, expected a share from 0 to 1",
                      f"write {number(share.number / 100)}" if 1 < share.number <= 100 else "write for example 0.95", Severity.ERROR)
    if value.nature in _BUCKETS and not value.keeps("le"):
        yield Pattern("S380", "the buckets lose `le` before histogram_quantile reads it, so that there is no result",
                      "add `le` to `by (…)`", Severity.ERROR)
    elif value.nature == "buckets":
        yield Pattern("S382", f"`{name}` is counted since the programs started, and so is its quantile: it hardly moves any more",
                      f"write `rate({name}[5m])`")
    elif value.nature not in _BUCKETS and value.metrics:
        facts = value.metrics[0]
        hint = f"read `{facts.name}_bucket`" if facts.type == "histogram" else "read the buckets of a histogram"
        yield Pattern("S380", f"histogram_quantile reads `{name}`, which has no buckets", hint, Severity.ERROR)
