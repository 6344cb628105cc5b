"""An expression as frozen nodes that checks can compare and keep: what the parser read, without its own objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from obsc.promql import Matcher, operator

if TYPE_CHECKING:
    import promql_parser

Kind: TypeAlias = Literal["selector", "range", "subquery", "call", "aggregate", "binary", "number", "text", "minus"]
SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_SIGNS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
_GROUPS = {"ManyToOne": "left", "OneToMany": "right"}


@dataclass(frozen=True, slots=True)
class Matching:
    """How the two sides of an operation find each other: by these labels, or by all but these."""

    labels: tuple[str, ...] = ()
    on: bool = False
    group: str = ""
    boolean: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression.

    `name`: the metric ("" for none), function, aggregation, operator or text. `args`: operands; the parameter of an
    aggregation comes first. `window`, `step` and `offset` in seconds. `labels`: those that an aggregation keeps, or drops
    (`without`); None for no clause. `bracketed`: whether it stands in parentheses.
    """

    kind: Kind
    name: str = ""
    args: tuple[Node, ...] = ()
    matchers: tuple[Matcher, ...] = ()
    window: float = 0
    step: float = 0
    offset: float = 0
    labels: tuple[str, ...] | None = None
    without: bool = False
    matching: Matching | None = None
    number: float = 0
    bracketed: bool = False


def read(text: str) -> Node:
    """The tree of a text that `promql.problem` accepts."""
    import promql_parser as parser  # noqa: PLC0415  a compiled module, wanted only where expressions are checked

    return _node(parser.parse(text))


def parts(node: Node) -> Iterator[Node]:
    """A node and all below it, outermost first."""
    yield node
    for one in node.args:
        yield from parts(one)


def selectors(node: Node) -> Iterator[Node]:
    """The selectors at and below a node."""
    return (one for one in parts(node) if one.kind == "selector")


def _node(expr: promql_parser.Expr) -> Node:
    import promql_parser as parser  # noqa: PLC0415  as above

    match expr:
        case parser.ParenExpr():
            return replace(_node(expr.expr), bracketed=True)
        case parser.NumberLiteral():
            return Node("number", number=expr.val)
        case parser.StringLiteral():
            return Node("text", expr.val)
        case parser.UnaryExpr():
            return _minus(_node(expr.expr))
        case parser.Call():
            return Node("call", expr.func.name, tuple(map(_node, expr.args)))
        case parser.AggregateExpr():
            return _aggregate(expr)
        case parser.BinaryExpr():
            return Node("binary", str(expr.op), (_node(expr.lhs), _node(expr.rhs)), matching=_matching(expr.modifier))
        case _:
            return _series(expr)


def _minus(inner: Node) -> Node:
    return replace(inner, number=-inner.number) if inner.kind == "number" else Node("minus", "-", (inner,))


def _aggregate(expr: promql_parser.AggregateExpr) -> Node:
    modifier = expr.modifier
    args = (*(() if expr.param is None else (_node(expr.param),)), _node(expr.expr))
    if modifier is None:
        return Node("aggregate", str(expr.op), args)
    return Node("aggregate", str(expr.op), args, labels=tuple(modifier.labels), without=str(modifier.type).endswith("Without"))


def _matching(modifier: promql_parser.BinModifier | None) -> Matching | None:
    if modifier is None:
        return None
    how, group = modifier.matching, _GROUPS.get(str(modifier.card).rpartition(".")[2], "")
    labels = tuple(how.labels) if how is not None else ()
    return Matching(labels, how is not None and str(how.type).endswith("Include"), group, modifier.return_bool)


def _series(expr: promql_parser.Expr) -> Node:
    import promql_parser as parser  # noqa: PLC0415  as above

    if isinstance(expr, parser.MatrixSelector):
        return Node("range", args=(_series(expr.vector_selector),), window=expr.range.total_seconds())
    if isinstance(expr, parser.SubqueryExpr):
        return Node("subquery", args=(_node(expr.expr),), window=_seconds(expr.range), step=_seconds(expr.step),
                    offset=_seconds(expr.offset))
    assert isinstance(expr, parser.VectorSelector)
    matchers = tuple(Matcher(one.name, operator(_SIGNS[str(one.op)]), one.value) for one in expr.matchers.matchers)
    named = next((one.value for one in matchers if one.label == "__name__" and one.op == "="), "")
    rest = tuple(one for one in matchers if one.label != "__name__" or one.op != "=")
    return Node("selector", expr.name or named, matchers=rest, offset=_seconds(expr.offset))


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span is not None else 0
