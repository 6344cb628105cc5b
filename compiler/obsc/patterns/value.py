"""What a part of an expression is: counter or level, in which unit, under which labels, as far as it is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from obsc.catalog.profile import Metric
from obsc.patterns.tree import COMPARISONS, Node

# counter: events since a program's start · buckets: the same by bound · rate, bucket rate: of those, over a window ·
# level: what goes up and down · quantile, mean: of a histogram · lifetime: a mean since a program's start
Nature: TypeAlias = Literal["counter", "buckets", "rate", "bucket rate", "level", "quantile", "mean", "lifetime", "number", "unknown"]
RATES = frozenset({"rate", "irate", "increase"})
OF_LEVELS = frozenset({"delta", "idelta", "deriv", "predict_linear", "avg_over_time", "sum_over_time", "min_over_time",
                       "quantile_over_time", "stddev_over_time", "stdvar_over_time", "holt_winters", "double_exponential_smoothing"})
SUMMED = frozenset({"counter", "buckets"})
_PER_WINDOW: Mapping[Nature, Nature] = {"counter": "rate", "buckets": "bucket rate"}
_KEEPING = frozenset({"abs", "ceil", "floor", "round", "clamp", "clamp_min", "clamp_max", "sort", "sort_desc", "sort_by_label",
                      "sort_by_label_desc", "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time",
                      "quantile_over_time", "mad_over_time", "label_replace", "label_join", "avg", "min", "max", "sum",
                      "quantile", "topk", "bottomk", "limitk", "limit_ratio", "delta", "idelta", "predict_linear", "holt_winters",
                      "double_exponential_smoothing"})
_PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_EVENTS = frozenset({"count", "requests", "tokens", "items", "calls", "connections", "transfers", "drafts", "preemptions", "inferences",
                     "executions", "errors", "retries", "events", "rows", "pages", "packets", "restarts", "samples", "series", "periods"})
# What a number makes of a unit, by what it is multiplied with.
_SCALED: Mapping[tuple[str, float], str] = {
    ("seconds", 1e3): "milliseconds", ("milliseconds", 1e-3): "seconds", ("microseconds", 1e-3): "milliseconds",
    ("microseconds", 1e-6): "seconds", ("nanoseconds", 1e-9): "seconds", ("nanoseconds", 1e-6): "milliseconds",
    ("ratio", 100): "percent", ("percent", 0.01): "ratio"}
UNKNOWN_UNITS = frozenset({"", "none", "unspecified", "mixed", "info", "code"})


@dataclass(frozen=True, slots=True)
class Value:
    """`unit` as in the catalog, "" if it is not known, of buckets and quantiles the observed quantity's. `only`: the labels
    that are left, None where nothing has taken any away; `gone`: those that were taken. `metrics`: what it is made of.
    """

    nature: Nature
    unit: str = ""
    only: frozenset[str] | None = None
    gone: frozenset[str] = frozenset()
    metrics: tuple[Metric, ...] = ()

    def keeps(self, label: str) -> bool:
        """Whether a label that its series had may still be there."""
        return label not in self.gone and (self.only is None or label in self.only)


UNKNOWN = Value("unknown")
_NUMBER = Value("number")


@dataclass(slots=True)
class Reader:
    """Gives the value of every node of a tree, each worked out once. `facts` knows a metric by its name in an expression."""

    facts: Callable[[str], Metric | None]
    _known: dict[Node, Value] = field(default_factory=dict)

    def value(self, node: Node) -> Value:
        """What a node is."""
        found = self._known.get(node)
        if found is None:
            found = self._known[node] = self._read(node)
        return found

    def _read(self, node: Node) -> Value:
        match node.kind:
            case "number" | "text":
                return _NUMBER
            case "selector":
                return _series(node, self.facts(node.name) if node.name else None)
            case "range" | "subquery" | "minus":
                return self.value(node.args[0])
            case "call":
                return self._call(node)
            case "aggregate":
                return self._aggregate(node)
            case "binary":
                return self._binary(node)

    def _call(self, node: Node) -> Value:
        operand = next((self.value(one) for one in node.args if one.kind not in {"number", "text"}), _NUMBER)
        if node.name in RATES:
            return replace(operand, nature=_PER_WINDOW.get(operand.nature, operand.nature))
        if node.name in {"histogram_quantile", "histogram_avg"}:
            inner = self.value(node.args[-1])
            return replace(inner, nature="quantile", gone=inner.gone | {"le"})
        if node.name in OF_LEVELS and operand.nature in SUMMED:
            return replace(operand, nature="unknown", unit="")
        if node.name in _KEEPING:
            made = frozenset({node.args[1].name}) if node.name in {"label_replace", "label_join"} else frozenset[str]()
            only = operand.only | made if operand.only is not None else None
            return replace(operand, only=only, gone=operand.gone - made)
        if node.name == "scalar":
            return replace(operand, nature="number", only=frozenset())
        if node.name in {"vector", "time", "absent", "absent_over_time"}:
            return Value("level" if node.name.startswith("absent") else "number", only=frozenset())
        return Value("unknown", only=operand.only, gone=operand.gone)

    def _aggregate(self, node: Node) -> Value:
        inner = self.value(node.args[-1])
        found = replace(inner, only=_left(node, inner), gone=inner.gone | (frozenset(node.labels or ()) if node.without else frozenset()))
        if node.name in _KEEPING:
            return found
        return replace(found, nature="level", unit="count" if node.name == "count" else "", metrics=())

    def _binary(self, node: Node) -> Value:
        left, right = (self.value(one) for one in node.args)
        if node.name in {"and", "unless"}:
            return left
        if node.name == "or":
            return right if left.nature in {"number", "unknown"} else left
        if node.name in COMPARISONS:
            return right if left.nature == "number" else left
        return arithmetic(node, left, right)


def arithmetic(node: Node, left: Value, right: Value) -> Value:
    """The value of a sum, difference, product or quotient."""
    if "number" in {left.nature, right.nature}:
        kept = right if left.nature == "number" else left
        return replace(kept, unit=_scaled(node, kept.unit))
    both = replace(left, metrics=left.metrics + right.metrics, only=_common(left, right), gone=left.gone | right.gone)
    if node.name in {"+", "-"}:
        same = left.unit == right.unit
        return replace(both, unit=left.unit if same else "", nature=left.nature if left.nature == right.nature else "unknown")
    if node.name == "/":
        return replace(both, nature=_quotient(left, right), unit=_per(left.unit, right.unit))
    return replace(both, nature="unknown", unit="")


def _series(node: Node, facts: Metric | None) -> Value:
    if facts is None:
        # Many levels end with `_total`, but nothing else than buckets with `_bucket`.
        return Value("buckets" if node.name.endswith("_bucket") else "unknown")
    if facts.type == "histogram" and facts.name == node.name:
        return Value("unknown", facts.unit)
    if facts.type == "histogram":
        if node.name.endswith("_bucket"):
            return Value("buckets", facts.unit, metrics=(facts,))
        return Value("counter", facts.unit if node.name.endswith("_sum") else "count", metrics=(facts,))
    if facts.type == "summary":
        part = node.name.rpartition("_")[2] if facts.name != node.name else ""
        return Value("counter" if part else "quantile", "count" if part == "count" else facts.unit, metrics=(facts,))
    return Value("counter" if facts.type == "counter" else "level", facts.unit, metrics=(facts,))


def _left(node: Node, inner: Value) -> frozenset[str] | None:
    """Labels behind an aggregation, None for any."""
    if node.name in _PICKING:
        return inner.only
    if node.without:
        return inner.only - frozenset(node.labels or ()) if inner.only is not None else None
    return frozenset(one for one in node.labels or () if inner.keeps(one))


def _common(left: Value, right: Value) -> frozenset[str] | None:
    return right.only if left.only is None else left.only if right.only is None else left.only & right.only


def _scaled(node: Node, unit: str) -> str:
    if node.name in {"+", "-"}:
        return unit
    number = next((one.number for one in node.args if one.kind == "number"), None)
    divided = node.name == "/" and node.args[1].kind == "number"
    if number in {None, 0.0} or node.name not in {"*", "/"} or (node.name == "/" and not divided):
        return ""
    assert number is not None
    factor = 1 / number if divided else number
    if factor == 1:
        return unit
    return next((made for (of, by), made in _SCALED.items() if of == unit and abs(factor / by - 1) < 1e-9), "")


def _quotient(left: Value, right: Value) -> Nature:
    if left.nature in SUMMED and right.nature in SUMMED:
        return "lifetime"
    return "mean" if left.nature == right.nature == "rate" else "unknown" if "unknown" in {left.nature, right.nature} else "level"


def _per(unit: str, other: str) -> str:
    if unit in UNKNOWN_UNITS or other in UNKNOWN_UNITS:
        return ""
    if unit == other or (unit in _EVENTS and other in _EVENTS and "tokens" not in {unit, other}):
        return "ratio"
    return unit if other in _EVENTS else ""
