"""Counters and levels: each has functions of its own, and what a counter shows since its start says nothing of now."""

from __future__ import annotations

from collections.abc import Iterator

from obsc.patterns.finding import Pattern, Setting
from obsc.patterns.tree import COMPARISONS, SET_OPERATORS, Node, parts, selectors
from obsc.patterns.value import OF_LEVELS, RATES, SUMMED, Reader


def counters(root: Node, reader: Reader, _: Setting) -> Iterator[Pattern]:
    """Functions that do not fit the type, counters as they stand, and rates of sums."""
    for node in parts(root):
        if node.kind == "call":
            yield from _function(node, reader)
    yield from _since_start(root, reader)


def _function(node: Node, reader: Reader) -> Iterator[Pattern]:
    if not node.args or node.args[0].kind not in {"range", "subquery"}:
        return
    inside, name = node.args[0].args[0], _name(node)
    value = reader.value(inside)
    if node.name in RATES and value.nature == "level" and value.metrics:
        yield Pattern("S381", f"`{name}` goes up and down, and `{node.name}` takes each fall for a restart of a counter",
                      f"write `deriv({name}[…])` for how fast it changes, or `avg_over_time({name}[…])` for how high it is")
    elif node.name in OF_LEVELS and value.nature in SUMMED:
        yield Pattern("S381", f"`{name}` is a counter, and `{node.name}` does not know that it begins anew with each restart",
                      f"write `rate({name}[…])` or `increase({name}[…])`")
    elif node.name in RATES and node.args[0].kind == "subquery" and inside.kind == "aggregate" and value.nature in SUMMED:
        yield Pattern("S383", f"counters are summed before `{node.name}`: when one of them begins anew, the sum falls, and all of what is "
                      "left counts as growth", f"write `{inside.name}({node.name}({name}[…]))`")


def _since_start(root: Node, reader: Reader) -> Iterator[Pattern]:
    """Values that have grown since programs started: means of a lifetime, sums and buckets."""
    lifetimes = [node for node in parts(root) if node.kind == "binary" and node.name == "/" and _lifetime(node, reader)]
    for node in lifetimes[:1]:
        yield Pattern("S382", f"a quotient of counters (`{_name(node)}`) is a mean since the programs started: the longer they run, the "
                      "less it moves", "divide rates: `rate(a[5m]) / rate(b[5m])`")
    if lifetimes:
        return
    raw = _final(root, reader) or next((one for node in parts(root) for one in _compared(node, reader)), None)
    if raw is not None:
        yield Pattern("S382", f"`{_name(raw)}` holds what was counted since the programs started: it says nothing of now, and falls with "
                      "every restart", f"write `rate({_name(raw)}[5m])` or `increase({_name(raw)}[5m])`")


def _lifetime(node: Node, reader: Reader) -> bool:
    return all(reader.value(one).nature in SUMMED for one in node.args)


def _final(root: Node, reader: Reader) -> Node | None:
    """The root, if what it shows is a counter. `x unless x offset 5m` asks what is there, and not how much."""
    asks = root.kind == "binary" and (root.name in SET_OPERATORS or root.name in COMPARISONS)
    return root if not asks and reader.value(root).nature in SUMMED else None


def _compared(node: Node, reader: Reader) -> Iterator[Node]:
    if node.kind != "binary" or node.name not in COMPARISONS:
        return
    values = [reader.value(one) for one in node.args]
    for one, other in (values, reversed(values)):
        if one.nature in SUMMED and other.nature == "number":
            yield node


def _name(node: Node) -> str:
    return next((one.name for one in selectors(node)), "")
