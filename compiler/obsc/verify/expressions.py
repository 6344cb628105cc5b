"""PromQL: what the parser refuses, and what it accepts though Prometheus, or the reader, would not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from obsc import promql
from obsc.diagnostics import Severity
from obsc.promql_text import experimental, nodes
from obsc.verify import grammars
from obsc.verify.problem import Problem

if TYPE_CHECKING:
    import promql_parser

# Newer than the parser: arithmetic of durations (Prometheus 3.14), `smoothed` and `anchored` ranges.
_NEWER = re.compile(r"\[[^\]\"]*[-+*/^(][^\]\"]*\]|\]\s*(smoothed|anchored)\b|\b(smoothed|anchored)\s*\]")
_WHOLE_NUMBER = re.compile(r"[0-9]+")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`[^`]*`')
_VARIABLE = r"(?:\$\{\w+(?:[:.][\w.%-]+)*\}|\$\w+|\[\[\w+\]\])"
_IN_RANGE = re.compile(rf"(?<=\[)\s*{_VARIABLE}\s*(?=[\]:])|(?<=:)\s*{_VARIABLE}\s*(?=\])|(?<=offset\s){_VARIABLE}")
_GROUPING = re.compile(r"\b((?:by|without|on|ignoring|group_left|group_right)\s*\()([^()]*)(\))")
_ANY = re.compile(_VARIABLE)
_SECONDS = re.compile(r"\$\{?__(range|interval|rate_interval)_(s|ms)\}?")


def check(text: object) -> Iterator[Problem]:
    """What is wrong with the expression of a rule; paths are empty, since the text is the place."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return
    if not isinstance(text, str) or not text.strip():
        yield Problem("X620", (), "found no expression, expected PromQL", "write one")
        return
    yield from _judged(text)


def check_of_panel(text: str) -> Iterator[Problem]:
    """What is wrong with the query of a panel, whatever its variables stand for."""
    if not text.strip():
        yield Problem("X620", (), "found an empty query, expected PromQL", "delete the target, or write its query")
        return
    # A variable may stand for a number or for a name; what parses with either is right.
    tried = [list(_judged(filled(text, word))) for word in ("x", "1")]
    yield from min(tried, key=lambda found: sum(one.code == "X620" for one in found))


def filled(text: str, word: str) -> str:
    """A panel's query with a word for each variable, and usual numbers for Grafana's own."""
    pieces, end = [], 0
    for found in _STRING.finditer(text):
        pieces += [_filled_outside(text[end:found.start()], word), _ANY.sub("x", found.group())]
        end = found.end()
    return "".join([*pieces, _filled_outside(text[end:], word)])


def _filled_outside(text: str, word: str) -> str:
    text = _IN_RANGE.sub("5m", _SECONDS.sub("300", text))
    text = _GROUPING.sub(lambda found: found[1] + _ANY.sub("x", found[2]) + found[3], text)
    return _ANY.sub(word, text)


@lru_cache(maxsize=65536)
def _judged(text: str) -> tuple[Problem, ...]:
    wrong = promql.problem(text)
    if wrong is None:
        return tuple(_doubts(text))
    if _NEWER.search(text):
        return (Problem("X622", (), "the expression is in a form of PromQL that is too new to be judged here",
                        "let promtool check it", severity=Severity.INFO),)
    return (Problem("X620", (), f"the expression is no PromQL: {wrong}", "mend the expression"),)


def _doubts(text: str) -> Iterator[Problem]:
    import promql_parser  # noqa: PLC0415  a compiled module, wanted only where expressions are checked

    for node in nodes(promql_parser.parse(text)):
        name = experimental(node)
        if name:
            yield _experimental(f"{name} is")
        if isinstance(node, promql_parser.VectorSelector):
            yield from _selector(node)
        elif isinstance(node, promql_parser.Call):
            yield from _call(node)


def _selector(node: promql_parser.VectorSelector) -> Iterator[Problem]:
    if node.matchers.or_matchers:
        yield Problem("X621", (), "only VictoriaMetrics reads `or` between matchers, Prometheus refuses it",
                      "write two selectors with `or` between them")
    for one in node.matchers.matchers:
        if one.name == "le" and str(one.op).endswith(".Equal") and _WHOLE_NUMBER.fullmatch(one.value):
            yield Problem("X621", (), f'no series has `le="{one.value}"`: Prometheus 3 writes bounds as floats',
                          f'write `le="{one.value}.0"`')


def _call(node: promql_parser.Call) -> Iterator[Problem]:
    name = node.func.name
    if name == "histogram_quantile":
        yield from _quantile(node)
    elif name == "label_replace":
        target, pattern = _text(node.args[1]), _text(node.args[4])
        wrong = grammars.regex(pattern) or (grammars.label(target) if target else None)
        if wrong:
            yield Problem("X621", (), f"label_replace fails whenever it runs: {wrong}", "mend its arguments")


def _quantile(node: promql_parser.Call) -> Iterator[Problem]:
    import promql_parser  # noqa: PLC0415

    share, inner = node.args[0], node.args[1]
    if isinstance(share, promql_parser.NumberLiteral) and not 0 <= share.val <= 1:
        yield Problem("X621", (), f"the quantile {share.val:g} is infinite, expected a share from 0 to 1",
                      f"write {share.val / 100:g}" if 1 < share.val <= 100 else "")
    while isinstance(inner, promql_parser.ParenExpr):
        inner = inner.expr
    if not isinstance(inner, promql_parser.AggregateExpr):
        return
    buckets = [one for one in nodes(inner) if isinstance(one, promql_parser.VectorSelector) and (one.name or "").endswith("_bucket")]
    modifier = inner.modifier
    by = modifier is not None and str(modifier.type).endswith(".By")
    kept = modifier is not None and ("le" in modifier.labels) is by
    if buckets and not kept:
        yield Problem("X621", (), "the buckets lose `le` before histogram_quantile reads it, so that there is no result",
                      "add `le` to `by (…)`")


def _text(node: promql_parser.Expr) -> str:
    value = getattr(node, "val", "")
    return value if isinstance(value, str) else ""


def _experimental(what: str) -> Problem:
    return Problem("X621", (), f"{what} experimental: Prometheus refuses it without a feature flag",
                   "start Prometheus with --enable-feature=promql-experimental-functions", severity=Severity.WARNING)
