"""Matchers and labels: what they select, and whether the metric has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from obsc import durations
from obsc.advice import listed, nearest
from obsc.catalog.profile import Metric
from obsc.diagnostics import Severity
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import Node, parts, selectors
from obsc.patterns.value import Reader
from obsc.promql import Matcher, pattern_problem

_WRITTEN_AS_PATTERN = re.compile(r"\||\.[*+]|\[.+\]")
_LOOSE_DOT = re.compile(r"[A-Za-z0-9]\.[A-Za-z0-9]")
_OPEN = re.compile(r"[.*+?\[]")
_WHOLE = re.compile(r"[0-9]+")
_WORKLOAD = frozenset({"namespace", "pod", "container"})
_STATISTICS = {"_bucket": "le"}


def matchers(root: Node, reader: Reader, setting: Setting) -> Iterator[Pattern]:
    """Selectors, and the labels that aggregations keep."""
    for node in selectors(root):
        facts = reader.facts(node.name) if node.name else None
        if not node.name and not _listed_names(node):
            yield Pattern("S387", "a selector without a metric's name reads everything that fits, and sums what has nothing in common",
                          "name the metric")
        for one in node.matchers:
            yield from _matcher(node, one, facts, setting)
    yield from _kept(root, reader, setting)
    for node in parts(root):
        if node.kind == "call" and node.name == "label_replace":
            wrong = pattern_problem(node.args[4].name)
            if wrong is not None:
                yield Pattern("S387", f"`label_replace` fails whenever it runs: {wrong}", "mend its pattern", Severity.ERROR)


def _listed_names(node: Node) -> bool:
    """Whether a pattern of the name stands for a few names that are written out."""
    return any(one.label == "__name__" and one.op == "=~" and not _OPEN.search(one.value) for one in node.matchers)


def _matcher(node: Node, one: Matcher, facts: Metric | None, setting: Setting) -> Iterator[Pattern]:
    values = dict(facts.label_values).get(one.label, ()) if facts is not None else ()
    if one.label == "le" and node.name.endswith("_bucket"):
        yield from _bound(one, facts, setting)
    elif one.op in {"=", "!="} and one.value not in values and _WRITTEN_AS_PATTERN.search(one.value):
        yield Pattern("S387", f'`{one.label}{one.op}"{one.value}"` is compared letter by letter, and looks like a pattern',
                      f'write `{one.label}{"=~" if one.op == "=" else "!~"}"…"`')
    elif one.op in {"=~", "!~"} and _LOOSE_DOT.search(one.value):
        yield Pattern("S387", f'the dot in `{one.label}{one.op}"{one.value}"` stands for any sign; a pattern must fit the whole value',
                      "write `\\\\.` for a dot, `=` for one value, `.*` for what may follow")
    elif values and not _some(one, values):
        yield Pattern("S387", f"`{node.name}` never has the value `{one.value}` in `{one.label}`",
                      nearest(one.value, values, f"it has {listed(values)}"))
    if facts is not None:
        yield from _label(one.label, facts, node, setting)


def _some(one: Matcher, values: tuple[str, ...]) -> bool:
    """Whether a matcher selects any of the values that there are. `!=` and the empty value are left alone."""
    if one.op in {"!=", "!~"} or one.value == "":
        return True
    if one.op == "=":
        return one.value in values
    try:
        return any(re.fullmatch(one.value, value) for value in values)
    except re.error:
        return True


def _bound(one: Matcher, facts: Metric | None, setting: Setting) -> Iterator[Pattern]:
    if one.op != "=" or one.value == "+Inf":
        return
    try:
        wanted = float(one.value)
    except ValueError:
        yield Pattern("S387", f'no bucket has `le="{one.value}"`: a bound is a number', "write one of the metric's bounds")
        return
    bounds = facts.buckets if facts is not None else ()
    if bounds and wanted not in bounds:
        near = sorted(bounds, key=lambda bound: abs(bound - wanted))[:2]
        yield Pattern("S387", f"{one.value} is no bucket bound of the metric, so that nothing has this `le`",
                      f"near it are {' and '.join(map(durations.number, sorted(near)))}")
    elif setting.floats and _WHOLE.fullmatch(one.value):
        yield Pattern("S387", f'no series has `le="{one.value}"` in Prometheus 3, which writes bounds as floats',
                      f'write `le=~"{one.value}|{one.value}\\\\.0"`, which fits both spellings')


def _label(label: str, facts: Metric, node: Node, setting: Setting) -> Iterator[Pattern]:
    """A label that a metric has neither by itself nor from its scrape."""
    if label in _WORKLOAD and setting.moved(node.name):
        yield Pattern("S388", f"the label `{label}` of `{node.name}` is of the exporter itself: the workload is in `exported_{label}`",
                      f"write `exported_{label}`, or let the platform's scrape keep labels (`honorLabels`)")
        return
    added = setting.added(node.name)
    if added is None or label in added or label in facts.labels or label == "__name__":
        return
    if label.startswith("exported_") or label == _STATISTICS.get(node.name[-7:]) or (label == "quantile" and facts.type == "summary"):
        return
    yield Pattern("S388", f"`{facts.name}` has no label `{label}`", nearest(label, facts.labels, f"it has {listed(facts.labels)}"))


def _kept(root: Node, reader: Reader, setting: Setting) -> Iterator[Pattern]:
    """Labels in `by (…)` that no series below has."""
    for node in parts(root):
        if node.kind != "aggregate" or node.without or not node.labels:
            continue
        below = list(selectors(node))
        made = {one.args[1].name for one in parts(node) if one.kind == "call" and one.name in {"label_replace", "label_join"}}
        facts = [(one, found) for one in below if one.name and (found := reader.facts(one.name)) is not None]
        if len(facts) != len(below) or not below or any(one.kind == "binary" for one in parts(node)):
            continue
        for label in node.labels:
            if label not in made and label != node.args[0].name:
                yield from _label(label, facts[0][1], facts[0][0], setting)
