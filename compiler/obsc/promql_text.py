"""PromQL as its author wrote it: where its selectors are, and the same text with matchers put into them.

The text is scanned, not rebuilt: comments, line breaks and spelling stay the author's. promql-parser is the referee:
what the scanner finds and what it writes must be what the parser reads, selector by selector.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from obsc import encode
from obsc.promql import Matcher, MatchOp, problem

if TYPE_CHECKING:
    import promql_parser

_TOKEN = re.compile(r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`[^`]*`)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
  | (?P<word>[A-Za-z_:][A-Za-z0-9_:]*)
  | (?P<sign>=~|!~|!=|==|<=|>=|.)
""", re.VERBOSE | re.DOTALL)
_AGGREGATIONS = frozenset({"sum", "avg", "count", "min", "max", "group", "stddev", "stdvar", "topk", "bottomk", "count_values",
                           "quantile", "limitk", "limit_ratio"})
# What the parser does not call experimental, as it does functions.
_EXPERIMENTAL = frozenset({"limitk", "limit_ratio"})
_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
_OPERATORS = frozenset({"and", "or", "unless", "atan2", "bool", "offset"})
_NUMBERS = frozenset({"inf", "nan"})
_SIGNS: dict[str, MatchOp] = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


@dataclass(frozen=True, slots=True)
class Found:
    """A selector in a text: its metric ("" if none is named), its matchers but for the name, and where it stands.

    `start` and `end` are offsets of the metric's name or of the brace; `inside` is the offset behind the opening brace,
    None without braces; `range` is the window in seconds, None for an instant selector.
    """

    metric: str
    matchers: tuple[Matcher, ...]
    start: int
    end: int
    inside: int | None
    range: float | None


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def selectors(text: str) -> tuple[Found, ...]:
    """The selectors of an expression that `promql.problem` accepts, in the order of the text.

    Raises ValueError where scanner and parser disagree, which would be a fault of this module.
    """
    places = list(_places(text))
    read = list(_read(text))
    if len(places) != len(read):
        raise ValueError(f"{len(places)} selectors in the text and {len(read)} in the expression")
    return tuple(Found(metric, matchers, start, end, inside, window)
                 for (start, end, inside), (metric, matchers, window) in zip(places, read, strict=True))


def inject(text: str, wanted: Callable[[Found], tuple[Matcher, ...]]) -> str:
    """The text with further matchers in each selector.

    `rate(x[5m]) / y{a="b"}` with `job="j"` → `rate(x{job="j"}[5m]) / y{job="j",a="b"}`
    """
    result = text
    for one in reversed(selectors(text)):
        matchers = ",".join(m.label + m.op + encode.promql_string(m.value) for m in wanted(one))
        if not matchers:
            continue
        if one.inside is None:
            result = f"{result[:one.end]}{{{matchers}}}{result[one.end:]}"
        else:
            comma = "" if _empty(result, one.inside) else ","
            result = result[:one.inside] + matchers + comma + result[one.inside:]
    if problem(result) is not None:
        raise ValueError(result)
    return result


# Grafana's range that fits the graph; no range of a person has this length.
AUTO_RANGE = "$__rate_interval"
_STAND_IN = "1234567ms"


def written_problem(text: str) -> str | None:
    """What is wrong with an expression that gives a vector or a number at one moment, or None."""
    import promql_parser as parser  # noqa: PLC0415  a compiled module, wanted only where expressions are read

    complaint = problem(plain(text))
    if complaint is not None:
        return complaint
    expr = parser.parse(plain(text))
    if isinstance(expr, parser.MatrixSelector | parser.SubqueryExpr | parser.StringLiteral):
        return "it gives a range or a text, expected a number for each set of labels"
    for node in nodes(expr):
        name = experimental(node)
        if name:
            return f"`{name}` is experimental: Prometheus refuses it unless it is started with a flag"
        if isinstance(node, parser.VectorSelector) and node.matchers.or_matchers:
            return "`or` between matchers is not PromQL"
    return None


def summands(text: str) -> tuple[Found, ...] | None:
    """The selectors of a sum of plain selectors (`a{x="1"} + b`), or None if the text is anything else."""
    import promql_parser as parser  # noqa: PLC0415  as above

    if problem(text) is not None:
        return None
    for node in nodes(parser.parse(text)):
        plus = isinstance(node, parser.BinaryExpr) and str(node.op) == "+" and node.modifier is None
        named = isinstance(node, parser.VectorSelector) and node.offset is None and node.at is None
        if not (plus or named or isinstance(node, parser.ParenExpr)):
            return None
    found = selectors(text)
    return found if all(one.metric for one in found) else None


def nodes(expr: promql_parser.Expr) -> list[promql_parser.Expr]:
    """An expression and all its parts, as they stand in the text; a range comes before its selector."""
    import promql_parser as parser  # noqa: PLC0415  as above

    found: list[promql_parser.Expr] = []

    def visit(node: promql_parser.Expr) -> bool:
        found.append(node)
        return True

    parser.walk(expr, visit, None)
    return found


def experimental(node: promql_parser.Expr) -> str:
    """The name of a function or aggregation that Prometheus has behind a flag only; "" for any other node."""
    import promql_parser as parser  # noqa: PLC0415  as above

    if isinstance(node, parser.Call) and node.func.experimental:
        return node.func.name
    return str(node.op) if isinstance(node, parser.AggregateExpr) and str(node.op) in _EXPERIMENTAL else ""


def plain(text: str) -> str:
    """The text with a duration in place of Grafana's own range, as a parser of PromQL takes it."""
    return text.replace(AUTO_RANGE, _STAND_IN)


def restored(text: str) -> str:
    """The text that `plain` was made of."""
    return text.replace(_STAND_IN, AUTO_RANGE)


def uncommented(text: str) -> str:
    """The text without comments, which would swallow what follows when lines are joined, and without space around it."""
    kept = (match.group() for match in _TOKEN.finditer(text) if not match.group().startswith("#"))
    return "".join(kept).strip()


def _empty(text: str, inside: int) -> bool:
    return next((one.text == "}" for one in _tokens(text[inside:])), True)


def _tokens(text: str) -> Iterator[_Token]:
    """Tokens without spaces and comments."""
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Token(kind, match.group(), match.start(), match.end())


def _places(text: str) -> Iterator[tuple[int, int, int | None]]:
    """Start, end of the name and offset behind the opening brace of each selector."""
    tokens = [*_tokens(text), _Token("end", "", len(text), len(text))]
    index = 0
    while index < len(tokens) - 1:
        token, after = tokens[index], tokens[index + 1]
        word = token.text.lower()
        if token.text == "[":
            index = _behind(tokens, index, "[", "]")
        elif token.kind == "word" and word in _LISTS and after.text == "(":
            index = _behind(tokens, index + 1, "(", ")")
        elif token.text == "{":
            yield token.start, token.end, token.end
            index = _behind(tokens, index, "{", "}")
        elif token.kind == "word" and _is_metric(word, after):
            braces = after.text == "{"
            yield token.start, token.end, after.end if braces else None
            index = _behind(tokens, index + 1, "{", "}") if braces else index + 1
        else:
            index += 1


def _is_metric(word: str, after: _Token) -> bool:
    if after.text == "(" or word in _OPERATORS | _NUMBERS | _LISTS:
        return False
    return not (word in _AGGREGATIONS and after.text.lower() in {"by", "without"})


def _behind(tokens: list[_Token], index: int, opening: str, closing: str) -> int:
    """Index of the token behind the bracket that closes the one at `index`."""
    depth = 0
    for at in range(index, len(tokens)):
        depth += (tokens[at].text == opening) - (tokens[at].text == closing)
        if depth == 0:
            return at + 1
    return len(tokens)


_Selector = tuple[str, tuple[Matcher, ...], float | None]


def _read(text: str) -> Iterator[_Selector]:
    import promql_parser as parser  # noqa: PLC0415  as above

    window: float | None = None
    for node in nodes(parser.parse(text)):
        if isinstance(node, parser.MatrixSelector):
            window = node.range.total_seconds()
        elif isinstance(node, parser.VectorSelector):
            yield _selector(node, window)
            window = None


def _selector(expr: promql_parser.VectorSelector, window: float | None) -> _Selector:
    matchers = tuple(Matcher(one.name, _SIGNS[str(one.op)], one.value) for one in expr.matchers.matchers)
    named = next((one.value for one in matchers if one.label == "__name__" and one.op == "="), "")
    return expr.name or named, tuple(one for one in matchers if one.label != "__name__"), window
