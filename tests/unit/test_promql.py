"""The builder prints what the parser reads, means what it says, and spells everything in one way."""

from __future__ import annotations

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obsc import promql
from obsc.promql import (
    AUTO,
    Aggregate,
    Binary,
    Call,
    Expr,
    Matcher,
    Number,
    Range,
    Raw,
    Selector,
    aggregate,
    any_of,
    equal,
    increase,
    over,
    rate,
    ratio,
    regex,
    select,
    show,
    walk,
)

UP = select("up", equal("job", "a"))
NAMES = st.from_regex(r"[a-z_:][a-z0-9_:]{0,8}", fullmatch=True).filter(lambda name: name not in {
    "and", "or", "unless", "by", "on", "bool", "offset", "without", "ignoring", "group_left", "group_right", "inf", "nan", "start", "end",
    "sum", "min", "max", "avg", "count", "group", "topk", "bottomk", "stddev", "stdvar", "quantile", "count_values", "limitk", "limit_ratio",
    "atan2", "step", "anchored", "smoothed"})
LABELS = st.from_regex(r"[a-z]{1,6}", fullmatch=True)
SELECTORS = st.builds(lambda name, pairs: select(name, *(equal(label, value) for label, value in pairs)), NAMES,
                      st.lists(st.tuples(LABELS, st.text(max_size=8)), max_size=3, unique_by=lambda pair: pair[0]))
VECTORS = st.recursive(
    st.one_of(SELECTORS, st.builds(rate, SELECTORS, st.sampled_from([60.0, 300.0, 5400.0]))),
    lambda inner: st.one_of(
        st.builds(lambda expr, by: aggregate("sum", expr, *by), inner, st.lists(LABELS, max_size=2, unique=True)),
        st.builds(Binary, st.sampled_from(["+", "-", "*", "/", ">", "and", "or", "unless"]), inner, inner),
        st.builds(lambda op, left, right: Binary(op, left, right, on=("namespace",)), st.sampled_from(["/", "and", "unless"]), inner, inner),
        st.builds(lambda expr, number: Binary("*", Number(number), expr), inner, st.floats(0, 1e6))), max_leaves=6)


@settings(max_examples=400, deadline=None)
@given(VECTORS)
def test_what_is_printed_is_what_the_parser_reads(expr: Expr) -> None:
    text = show(expr)
    assert promql.problem(text) is None, text
    once = promql_parser.parse(text).prettify()
    assert promql_parser.parse(once).prettify() == once


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=20))
def test_any_text_is_a_label_value_and_comes_back(value: str) -> None:
    parsed = promql_parser.parse(show(select("up", equal("job", value))))
    assert [(one.name, one.value) for one in parsed.matchers.matchers] == [("job", value)]


@pytest.mark.parametrize(("expr", "text"), [
    (UP, 'up{job="a"}'),
    (select("up"), "up"),
    (select("up", equal("b", "1"), regex("a", "x|y")), 'up{a=~"x|y",b="1"}'),
    (select("up", equal("a", "1"), equal("a", "1")), 'up{a="1"}'),
    (Selector("up", offset=3600), "up offset 1h"),
    (rate(UP, 300), 'rate(up{job="a"}[5m])'),
    (increase(UP, AUTO), 'increase(up{job="a"}[$__rate_interval])'),
    (Range(aggregate("sum", UP), 600, step=30), 'sum(up{job="a"})[10m:30s]'),
    (over("max_over_time", Range(UP, 60), 600).args[0], 'up{job="a"}[1m][10m:]'),
    (aggregate("sum", UP, "a", "b"), 'sum by (a, b) (up{job="a"})'),
    (Aggregate("topk", UP, param=3), 'topk(3, up{job="a"})'),
    (Call("time", ()), "time()"),
    (Number(0.00001), "0.00001"),
    (Binary("==", UP, Number(0), boolean=True), 'up{job="a"} == bool 0'),
    (Binary("/", UP, UP, on=("a",), group_left=("b",)), 'up{job="a"} / on (a) group_left (b) up{job="a"}'),
    (Binary("*", Binary("+", UP, UP), UP), '(up{job="a"} + up{job="a"}) * up{job="a"}'),
    (Binary("-", UP, Binary("-", UP, UP)), 'up{job="a"} - (up{job="a"} - up{job="a"})'),
    (Binary("and", Binary("or", UP, UP), UP), '(up{job="a"} or up{job="a"})\nand up{job="a"}'),
    (Binary("+", Raw("a or b"), UP), '(a or b) + up{job="a"}'),
    (select("up", Matcher("model", "=~", "model", variable=True)), 'up{model=~"$model"}'),
])
def test_one_spelling(expr: Expr, text: str) -> None:
    assert show(expr, auto="$__rate_interval") == text


def test_a_ratio_is_zero_without_a_part_and_nothing_without_a_whole() -> None:
    part, whole = select("e"), select("t")
    assert show(ratio(part, whole)) == "(e or 0 * t) / (t > 0)"


def test_alternatives_are_joined_in_order() -> None:
    assert show(any_of(select("a"), select("b"), select("c"))) == "a\nor b\nor c"


def test_walking_meets_every_part_outermost_first() -> None:
    expr = Binary("/", aggregate("sum", rate(select("a"), 300)), Number(2))
    assert [type(one).__name__ for one in walk(expr)] == ["Binary", "Aggregate", "Call", "Range", "Selector", "Number"]


@pytest.mark.parametrize("text", ["rate(foo)", "sum(", "foo{a=b}", "foo + 'x'", "nosuch(foo)", "{}"])
def test_what_the_parser_refuses_is_a_problem(text: str) -> None:
    assert promql.problem(text)


@pytest.mark.parametrize("pattern", ["a|b", "chat-[a-z]{5}", ".+", "(?i)x", r"\d+\.\d"])
def test_re2_is_taken(pattern: str) -> None:
    assert promql.pattern_problem(pattern) is None


@pytest.mark.parametrize("pattern", ["(?=x)", "(?<!x)y", r"(a)\1", "(", "[a&&b]", "(?<name>x)", "a{2,1}", "*"])
def test_what_is_not_re2_is_refused(pattern: str) -> None:
    assert promql.pattern_problem(pattern)
