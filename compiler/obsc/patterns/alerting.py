"""Shapes that parse, and do not alert on what they seem to."""

from __future__ import annotations

from collections.abc import Iterator

from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import COMPARISONS, Node, parts, selectors
from obsc.patterns.value import RATES, Reader

_PICKING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_SPEEDS = frozenset({"rate", "irate"})
_ABSENT = frozenset({"absent", "absent_over_time"})
_BELOW = frozenset({"<", "<=", "=="})


def alerting(root: Node, reader: Reader, setting: Setting) -> Iterator[Pattern]:
    """Precedence, absence, and what decides on an alert."""
    for node in parts(root):
        yield from _precedence(node)
        if node.kind == "call" and node.name in _ABSENT:
            yield from _absence(node)
    if setting.alert:
        yield from _decision(root, reader, setting)
        if setting.several:
            yield from _each(root, reader)


def _precedence(node: Node) -> Iterator[Pattern]:
    mixed = [one for one in node.args if one.kind == "binary" and one.name in {"and", "unless"} and not one.bracketed]
    if node.kind == "binary" and node.name == "or" and mixed:
        yield Pattern("S391", f"`{mixed[0].name}` binds tighter than `or`: it applies to the part next to it only",
                      "write the parentheses that are meant")


def _absence(node: Node) -> Iterator[Pattern]:
    if any(one.kind == "binary" or one.name in RATES for one in parts(node.args[0])):
        yield Pattern("S391", f"`{node.name}` of a result is true whenever nothing happens, and has no labels",
                      f"write `{node.name}` of the metric itself")
        return
    patterns = [one for one in selectors(node) if any(matcher.op == "=~" for matcher in one.matchers)]
    if patterns:
        yield Pattern("S391", f"`{node.name}` with a pattern is false as long as any series fits it: that one of several is missing is "
                      "not seen", "write one `absent` for each, with `=`")


def _decision(root: Node, reader: Reader, setting: Setting) -> Iterator[Pattern]:
    for node in parts(root):
        # The first of equals, as what is to be joined must be unique, is always the same one.
        unique = node.labels is not None and node.args and node.args[0].number == 1
        if node.kind == "aggregate" and node.name in _PICKING and not unique:
            yield Pattern("S391", f"what `{node.name}` picks is another series at each evaluation: the alert begins to wait anew each time",
                          "compare every series")
        if node.kind == "binary" and node.name in COMPARISONS:
            yield from _chained(node)
            yield from _busy(node, setting)
    yield from _always(root, reader)
    yield from _no_targets(root)


def _chained(node: Node) -> Iterator[Pattern]:
    inner, other = node.args
    compares = inner.kind == "binary" and inner.name in COMPARISONS and not (inner.matching and inner.matching.boolean)
    if compares and node.name in {"==", "!="} and other.kind == "number" and other.number in {0, 1}:
        yield Pattern("S391", "a comparison keeps the value that it compares: the result is not 0 or 1",
                      "leave the second comparison out")


def _busy(node: Node, setting: Setting) -> Iterator[Pattern]:
    name = next((one.name for one in selectors(node.args[0]) if setting.busy(one.name)), "")
    if name and node.name in {">", ">="} and node.args[1].kind == "number":
        yield Pattern("S391", f"`{name}` is high on every healthy server that is used: a busy device is no fault",
                      "alert on requests that wait, or on how long they take")


def _always(root: Node, reader: Reader) -> Iterator[Pattern]:
    """Alerts that fire for every series that there is."""
    deciding = root
    while deciding.kind == "binary" and deciding.name in {"and", "or", "unless"} and not _decides(deciding):
        deciding = deciding.args[0]
    if deciding.kind == "binary" and deciding.matching and deciding.matching.boolean:
        yield Pattern("S391", "with `bool` the result is 0 or 1, and an alert fires for 0 too, for every series", "leave `bool` out")
    elif not _decides(deciding) and reader.value(deciding).nature != "number" and deciding is root:
        yield Pattern("S391", "without a comparison the alert fires for every series, whatever its value", "compare it: `… > 0`")


def _decides(node: Node) -> bool:
    if node.kind == "binary":
        return node.name in COMPARISONS or node.name in {"and", "unless"} or (node.name == "or" and all(map(_decides, node.args)))
    return node.name in _ABSENT or node.kind == "minus" or (node.kind in {"call", "aggregate"} and bool(node.args) and any(
        _decides(one) for one in node.args))


def _no_targets(root: Node) -> Iterator[Pattern]:
    """`sum(up) == 0`: without any target there is no sum."""
    if any(one.name in _ABSENT for one in parts(root)):
        return
    for node in parts(root):
        counted = node.args[0] if node.kind == "binary" and node.name in _BELOW else None
        if counted is not None and counted.kind == "aggregate" and counted.name in {"sum", "count"} and [
                one.name for one in selectors(counted)] == ["up"]:
            yield Pattern("S391", f"`{counted.name}(up)` has no value where there is no target at all: just then the alert is silent",
                          "add `or absent(up{…})`; the alert ServiceDown does")


def _each(root: Node, reader: Reader) -> Iterator[Pattern]:
    """A rate of each replica against one number."""
    for node in parts(root):
        if node.kind == "binary" and node.name in COMPARISONS and node.args[1].kind == "number" and node.args[1].number:
            rated = node.args[0]
            if rated.kind == "call" and rated.name in _SPEEDS and reader.value(rated).only is None:
                yield Pattern("S391", f"`{rated.name}` is of each series for itself: with twice the replicas each has half, and the "
                              "threshold means another load", "sum first: `sum by (namespace) (rate(…))`")
                return
