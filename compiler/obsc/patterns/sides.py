"""Operations on two vectors: whether their sides find each other, and find the right one."""

from __future__ import annotations

from collections.abc import Iterator

from obsc.advice import listed
from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import COMPARISONS, SET_OPERATORS, Matching, Node, parts, selectors
from obsc.patterns.value import RATES, Reader, Value

_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "^", "atan2"})
_OF_TARGETS = "up"
# Labels that follow from the pod, or from a selector's choice of one kind: none of them makes several series of one pod.
_FOLLOWS = frozenset({"namespace", "pod", "uid", "container", "node", "instance", "job", "service", "endpoint", "model_name", "model", "id",
                      "image", "name", "unit", "resource", "host_ip", "pod_ip", "created_by_kind", "created_by_name", "Hostname",
                      "hostname"})
# What goes on without a single request.
_ALWAYS = frozenset({"seconds", "periods"})
# Empty where there is one of it, so that it makes no difference.
_PERHAPS = frozenset({"cluster"})


def sides(root: Node, reader: Reader, setting: Setting) -> Iterator[Pattern]:
    """Groupings, matchings and guards of both sides."""
    for node in parts(root):
        if node.kind == "binary":
            left, right = (reader.value(one) for one in node.args)
            if "number" not in {left.nature, right.nature}:
                yield from _pair(node, left, right)
            yield from _or_nothing(node, reader)
            yield from _averages(node, reader)
    if setting.alert:
        yield from _unguarded(root, reader)


def _pair(node: Node, left: Value, right: Value) -> Iterator[Pattern]:
    how = node.matching or Matching()
    if node.name in {"and", "unless"} and not (how.on or how.labels):
        yield from _against_targets(node, left, right)
    if node.name in SET_OPERATORS:
        return
    if how.on:
        yield from _on(node, how, left, right)
    elif left.only is not None and right.only is not None and not how.group:
        ignored = _PERHAPS.union(how.labels)
        if left.only - ignored != right.only - ignored:
            yield Pattern("S385", f"the left side is grouped by {_labels(left.only)}, the right one by {_labels(right.only)}: they never "
                          "match, so that there is no result", "group both sides by the same labels, or match `on (…)` with `group_left`")
    elif left.only is None and right.only is None and not how.labels:
        yield from _itself(node)


def _labels(only: frozenset[str]) -> str:
    return listed(only) if only else "nothing"


def _on(node: Node, how: Matching, left: Value, right: Value) -> Iterator[Pattern]:
    for value, side in ((left, node.args[0]), (right, node.args[1])):
        lost = [label for label in how.labels if value.only is not None and label not in value.only]
        if lost:
            yield Pattern("S385", f"the sides are matched on {listed(lost)}, which `{side.name}` has taken away", "keep it in `by (…)`")
            return
    one_to_one = not how.group and node.name in _ARITHMETIC | COMPARISONS
    several = next((found for side, value in ((node.args[0], left), (node.args[1], right)) if (found := _several(side, value, how))), None)
    if one_to_one and how.labels and several is not None:
        name, label = several
        yield Pattern("S385", f"`{name}` has several series for one {listed(how.labels)}, one for each `{label}`: such a match fails when "
                      "it runs", f"aggregate it first: `sum by ({', '.join(how.labels)}) ({name})`")


def _several(side: Node, value: Value, how: Matching) -> tuple[str, str] | None:
    if value.only is not None or len(value.metrics) != 1:
        return None
    chosen = {one.label for selector in selectors(side) for one in selector.matchers if one.op in {"=", "=~"}}
    left = [label for label in value.metrics[0].labels if label not in _FOLLOWS | chosen | {*how.labels}]
    return (value.metrics[0].name, left[0]) if left else None


def _against_targets(node: Node, left: Value, right: Value) -> Iterator[Pattern]:
    names = [{one.name for one in selectors(side)} for side in node.args]
    plain = left.only is None or right.only is None
    if plain and ({_OF_TARGETS} in names) and names[0] != names[1]:
        yield Pattern("S385", f"`up` has only the labels of a target: with `{node.name}` the labels of both sides must be the same, and "
                      "are not", f"write `{node.name} on (job, instance)`")


def _itself(node: Node) -> Iterator[Pattern]:
    """A part of a metric over the whole of it, without a sum: each series finds only itself."""
    found = [list(selectors(side)) for side in node.args]
    if node.name != "/" or [len(one) for one in found] != [1, 1]:
        return
    [part], [whole] = found
    chosen = {one.label for one in part.matchers if one.op in {"=", "=~"}} - {one.label for one in whole.matchers}
    if part.name == whole.name and chosen:
        yield Pattern("S385", f"each series of `{part.name}` finds only itself on the other side: the quotient is always 1",
                      "sum both sides first: `sum(rate(part[5m])) / sum(rate(whole[5m]))`")


def _averages(node: Node, reader: Reader) -> Iterator[Pattern]:
    """`avg(part) / avg(whole)`, where the sides have different numbers of series."""
    if node.name != "/" or any(one.kind != "aggregate" or one.name != "avg" or reader.value(one).nature != "rate" for one in node.args):
        return
    chosen = [{one.label for below in selectors(side) for one in below.matchers} for side in node.args]
    if chosen[0] != chosen[1]:
        yield Pattern("S383", "each `avg` divides by its own number of series: their quotient is no share of all events",
                      "write `sum` on both sides")


def _or_nothing(node: Node, reader: Reader) -> Iterator[Pattern]:
    """`(a or vector(0)) / b`, where the sides have labels."""
    if node.name not in _ARITHMETIC:
        return
    for side, other in (node.args, node.args[::-1]):
        if side.kind == "binary" and side.name == "or" and _is_vector(side.args[1]):
            kept = reader.value(side.args[0]).only
            facing = reader.value(other)
            if not _bare(kept) and facing.nature != "number" and not _bare(facing.only):
                yield Pattern("S385", "`vector(0)` has no labels, so that it never meets a side that has some",
                              "write `or 0 * <the other side>`, which has its labels")


def _bare(only: frozenset[str] | None) -> bool:
    return only is not None and only <= _PERHAPS


def _is_vector(node: Node) -> bool:
    return node.kind == "call" and node.name == "vector"


def _unguarded(root: Node, reader: Reader) -> Iterator[Pattern]:
    """A share of events is compared, and nothing says how many events there must be."""
    guarded = any(one.kind == "binary" and one.name == "and" for one in parts(root))
    for node in parts(root):
        if node.kind != "binary" or node.name not in {">", ">=", "<", "<="}:
            continue
        quotient = next((one for one in node.args if one.kind == "binary" and one.name == "/"), None)
        if quotient is not None and not guarded and _share(quotient, reader):
            yield Pattern("S386", "nothing says how many events there must be: of one request in the night, one that fails is all of them, "
                          "and of none the share is no number", "add `and sum(increase(<total>[10m])) > 20`, or make it an `objective` "
                          "or an `indicator` with a `ratio`, which have such guards")
            return


def _share(node: Node, reader: Reader) -> bool:
    """Whether both sides are rates of events, and the right one is not filtered."""
    part, whole = node.args
    counted = [reader.value(one).nature == "rate" and any(below.name in RATES for below in parts(one)) for one in node.args]
    filtered = (whole.kind == "binary" and whole.name in COMPARISONS) or whole.name == "clamp_min"
    return all(counted) and not filtered and reader.value(part).unit not in _ALWAYS
