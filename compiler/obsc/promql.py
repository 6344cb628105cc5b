"""A small typed builder of PromQL that prints canonically; the parser of promql-parser is its referee.

Matchers are sorted, durations and numbers have one spelling, parentheses come from the table of operators,
and label values pass through the one encoder: two ways to build the same expression give the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from obsc import durations, encode

MatchOp: TypeAlias = Literal["=", "!=", "=~", "!~"]
Window: TypeAlias = float | None
AUTO: Final = None  # a range that fits the graph's own resolution; only panels have one

_PRECEDENCE = {"or": 1, "and": 2, "unless": 2, "==": 3, "!=": 3, "<=": 3, "<": 3, ">=": 3, ">": 3,
               "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "^": 6}
_SET_OPERATORS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    """`label op value`. With `variable`, the value is what the viewer of a dashboard chose under that name."""

    label: str
    op: MatchOp
    value: str
    variable: bool = False


def read_matcher(text: str) -> Matcher:
    """A matcher from its text, whose form the language has checked already."""
    for op in ("=~", "!~", "!=", "="):
        label, sign, value = text.partition(op)
        if sign and label.strip().isidentifier():
            return Matcher(label.strip(), operator(op), _unquoted(value.strip()))
    raise ValueError(text)


def _unquoted(text: str) -> str:
    return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def operator(text: str) -> MatchOp:
    """One of the four, as a type."""
    match text:
        case "=" | "!=" | "=~" | "!~":
            return text
        case _:
            raise ValueError(text)

@dataclass(frozen=True, slots=True)
class Selector:
    """An instant vector selector; `offset` in seconds."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    offset: float = 0


@dataclass(frozen=True, slots=True)
class Range:
    """A range over `window` seconds of a selector, or a subquery of any other expression."""

    expr: Expr
    window: Window
    step: float = 0
    offset: float = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function call."""

    function: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregation over all labels but `by`, or over the labels `without`; `param` is the number of topk and the like."""

    op: str
    expr: Expr
    by: tuple[str, ...] = ()
    param: float | None = None
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binary:
    """A binary operation, matched `on` these labels if given (an empty tuple: on none)."""

    op: str
    left: Expr
    right: Expr
    on: tuple[str, ...] | None = None
    group_left: tuple[str, ...] | None = None
    boolean: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number literal."""

    value: float


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text, as some functions take one."""

    value: str


@dataclass(frozen=True, slots=True)
class Raw:
    """An expression as its author wrote it, and the selectors in it. Only text that `problem` accepted may be wrapped."""

    text: str
    selectors: tuple[Selector, ...] = ()


Expr: TypeAlias = Selector | Range | Call | Aggregate | Binary | Number | Quoted | Raw


def select(metric: str, *matchers: Matcher, offset: float = 0) -> Selector:
    """A selector with its matchers sorted and each only once."""
    return Selector(metric, tuple(sorted(set(matchers))), offset)


def equal(label: str, value: str) -> Matcher:
    """`label="value"`."""
    return Matcher(label, "=", value)


def regex(label: str, pattern: str) -> Matcher:
    """`label=~"pattern"` (RE2, fully anchored by Prometheus)."""
    return Matcher(label, "=~", pattern)


def rate(expr: Expr, window: Window) -> Call:
    """Per-second rate of a counter."""
    return Call("rate", (Range(expr, window),))


def increase(expr: Expr, window: Window) -> Call:
    """Growth of a counter over the window."""
    return Call("increase", (Range(expr, window),))


def over(function: str, expr: Expr, window: Window) -> Call:
    """An `…_over_time` function over a range."""
    return Call(function, (Range(expr, window),))


def aggregate(op: str, expr: Expr, *by: str) -> Aggregate:
    """`op by (labels) (expr)`."""
    return Aggregate(op, expr, tuple(by))


def labelled(expr: Expr, label: str, value: str) -> Call:
    """The expression with one more label on every sample; `value` has no `$`."""
    return Call("label_replace", (expr, Quoted(label), Quoted(value), Quoted(""), Quoted("")))


def any_of(*alternatives: Expr) -> Expr:
    """The first of several expressions that has samples: `a or b or …`."""
    first, *rest = alternatives
    for other in rest:
        first = Binary("or", first, other)
    return first


def ratio(part: Expr, whole: Expr) -> Expr:
    """`(part or 0 * whole) / (whole > 0)`: 0 without a part, no sample at all without a whole.

    0/0 would be NaN, which no comparison ever meets and which poisons every average over time; and a counter
    that appears with its first error would take the whole ratio with it while there is none.
    """
    none_yet = Binary("*", Number(0), whole)
    return Binary("/", Binary("or", part, none_yet), Binary(">", whole, Number(0)))


def show(expr: Expr, auto: str = "5m", variables: str = "$") -> str:
    """Canonical text. `auto` spells an AUTO range, `variables` is the sign before a variable's name."""
    return _Printer(auto, variables).expression(expr)


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all its parts, outermost first."""
    yield expr
    if isinstance(expr, Range | Aggregate):
        yield from walk(expr.expr)
    elif isinstance(expr, Call):
        for argument in expr.args:
            yield from walk(argument)
    elif isinstance(expr, Binary):
        yield from walk(expr.left)
        yield from walk(expr.right)
    elif isinstance(expr, Raw):
        yield from expr.selectors


def substitute(expr: Expr, change: Mapping[Selector, Expr]) -> Expr:
    """The same expression with some selectors replaced."""
    if isinstance(expr, Selector):
        return change.get(expr, expr)
    if isinstance(expr, Range | Aggregate):
        return replace(expr, expr=substitute(expr.expr, change))
    if isinstance(expr, Call):
        return replace(expr, args=tuple(substitute(arg, change) for arg in expr.args))
    if isinstance(expr, Binary):
        return replace(expr, left=substitute(expr.left, change), right=substitute(expr.right, change))
    return expr


def widen(expr: Expr, labels: tuple[str, ...], anchor: frozenset[str]) -> Expr:
    """The same expression with further labels kept wherever one of `anchor` is kept or matched on.

    `sum by (namespace) (x)` with `cluster` → `sum by (namespace, cluster) (x)`. What is excluded (`unless`) is still
    matched by the old labels: an absence knows no further ones.
    """
    match expr:
        case Range():
            return replace(expr, expr=widen(expr.expr, labels, anchor))
        case Aggregate():
            by = _more(expr.by, labels) if anchor & {*expr.by} else expr.by
            return replace(expr, expr=widen(expr.expr, labels, anchor), by=by)
        case Call():
            return replace(expr, args=tuple(widen(arg, labels, anchor) for arg in expr.args))
        case Binary():
            on = expr.on
            if on is not None and anchor & {*on} and expr.op != "unless":
                on = _more(on, labels)
            return replace(expr, left=widen(expr.left, labels, anchor), right=widen(expr.right, labels, anchor), on=on)
        case _:
            return expr


def _more(labels: tuple[str, ...], further: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*labels, *further)))


# The parser calls itself for each of them: some thousands would end the process.
_STEPS = re.compile(r"[-+*/%^(\[]|[<>]|==|!=|\b(?:and|or|unless|atan2)\b")
_MOST_STEPS = 2000


@lru_cache(maxsize=65536)
def problem(text: str) -> str | None:
    """What the parser says against this text, or None. Not a word about unknown metrics or labels."""
    import promql_parser  # noqa: PLC0415  a compiled module, wanted only where expressions are checked

    if sum(1 for _ in _STEPS.finditer(text)) > _MOST_STEPS:
        return f"it has more than {_MOST_STEPS} operators and brackets"
    try:
        promql_parser.parse(text)
    except ValueError as error:
        return str(error)
    return None


def pattern_problem(pattern: str) -> str | None:
    """What is wrong with a regular expression for RE2, or None.

    Rust's engine, which the parser uses, reads a little more than RE2 does; those forms are refused here.
    """
    for extra in ("&&", "--", "~~", "(?x", "(?<", r"\<", r"\>", r"\u", r"\U", r"\b{"):
        if extra in pattern:
            return f"`{extra}` is not RE2"
    return problem("x{a=~" + encode.promql_string(pattern) + "}")


@dataclass(frozen=True, slots=True)
class _Printer:
    auto: str
    variables: str

    def expression(self, expr: Expr) -> str:
        match expr:
            case Selector():
                return self._selector(expr)
            case Range():
                return self._range(expr)
            case Call():
                return f"{expr.function}({', '.join(self.expression(arg) for arg in expr.args)})"
            case Aggregate():
                return self._aggregate(expr)
            case Binary():
                return self._binary(expr)
            case Number():
                return durations.number(expr.value)
            case Quoted():
                return encode.promql_string(expr.value)
            case Raw():
                return expr.text

    def _selector(self, expr: Selector) -> str:
        matchers = ",".join(m.label + m.op + self._value(m) for m in expr.matchers)
        offset = f" offset {durations.show(expr.offset)}" if expr.offset else ""
        return expr.metric + (f"{{{matchers}}}" if matchers else "") + offset

    def _value(self, matcher: Matcher) -> str:
        if matcher.variable:
            return f'"{self.variables}{matcher.value}"'
        return encode.promql_string(matcher.value)

    def _range(self, expr: Range) -> str:
        window = self.auto if expr.window is AUTO else durations.show(expr.window)
        offset = f" offset {durations.show(expr.offset)}" if expr.offset else ""
        if isinstance(expr.expr, Selector):
            return f"{self._selector(expr.expr)}[{window}]{offset}"
        step = durations.show(expr.step) if expr.step else ""
        return f"{self._operand(expr.expr, 9)}[{window}:{step}]{offset}"

    def _aggregate(self, expr: Aggregate) -> str:
        by = f" by ({', '.join(expr.by)}) " if expr.by else f" without ({', '.join(expr.without)}) " if expr.without else ""
        param = f"{durations.number(expr.param)}, " if expr.param is not None else ""
        return f"{expr.op}{by}({param}{self.expression(expr.expr)})"

    def _binary(self, expr: Binary) -> str:
        mine = _PRECEDENCE[expr.op]
        left = self._operand(expr.left, mine)
        # Operators of one level group to the left, so an equal level on the right needs its parentheses.
        right = self._operand(expr.right, mine + 1)
        sign = expr.op + (" bool" if expr.boolean else "")
        if expr.on is not None:
            sign += f" on ({', '.join(expr.on)})"
        if expr.group_left is not None:
            sign += f" group_left ({', '.join(expr.group_left)})"
        gap = "\n" if expr.op in _SET_OPERATORS else " "
        return f"{left}{gap}{sign} {right}"

    def _operand(self, expr: Expr, level: int) -> str:
        text = self.expression(expr)
        loose = isinstance(expr, Raw) or (isinstance(expr, Binary) and _PRECEDENCE[expr.op] < level)
        if not loose:
            return text
        return f"({text.replace(chr(10), ' ')})"
