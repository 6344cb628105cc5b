"""Selectors found in, and matchers put into, expressions as people write them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from obsc.promql import equal, problem, regex
from obsc.promql_text import Found, inject, selectors

FIXTURES = Path(__file__).parents[3] / "shared/fixtures"
JOB = (equal("job", "j"),)


@pytest.mark.parametrize(("text", "expected"), [
    ("x", 'x{job="j"}'),
    ("x{}", 'x{job="j"}'),
    ('x{a="b",}', 'x{job="j",a="b",}'),
    ("rate(x[5m]) / y", 'rate(x{job="j"}[5m]) / y{job="j"}'),
    ("sum by (a, b) (x)", 'sum by (a, b) (x{job="j"})'),
    ("sum(x) without (a)", 'sum(x{job="j"}) without (a)'),
    ("topk(3, x)", 'topk(3, x{job="j"})'),
    ("a / on(b) group_left(c) d", 'a{job="j"} / on(b) group_left(c) d{job="j"}'),
    ("x > bool 1", 'x{job="j"} > bool 1'),
    ("x offset 5m", 'x{job="j"} offset 5m'),
    ("x @ end()", 'x{job="j"} @ end()'),
    ("max_over_time(rate(x[1m])[1h:5m])", 'max_over_time(rate(x{job="j"}[1m])[1h:5m])'),
    ('{__name__="x"}', '{job="j",__name__="x"}'),
    ("sum{}", 'sum{job="j"}'),
    ("x # y{}\n+ z", 'x{job="j"} # y{}\n+ z{job="j"}'),
    ('label_replace(x, "a", "y{}", "b", "(.*)")', 'label_replace(x{job="j"}, "a", "y{}", "b", "(.*)")'),
    ("vector(1) + Inf", "vector(1) + Inf"),
    ("node:cpu:rate5m", 'node:cpu:rate5m{job="j"}'),
    ("x{a=~`b}`}", 'x{job="j",a=~`b}`}'),
])
def test_matchers_are_put_into_every_selector_and_nothing_else_changes(text: str, expected: str) -> None:
    assert inject(text, lambda _: JOB) == expected


def test_a_value_cannot_end_its_matcher() -> None:
    text = inject("x", lambda _: (equal("job", 'a"} or y{b="\\'),))
    assert [one.metric for one in selectors(text)] == ["x"]
    assert selectors(text)[0].matchers == (equal("job", 'a"} or y{b="\\'),)


def test_what_is_found_says_where_it_stands() -> None:
    text = 'sum(rate(errors_total{code=~"5.."}[5m])) / up'
    assert selectors(text) == (Found("errors_total", (regex("code", "5.."),), 9, 21, 22, 300.0), Found("up", (), 43, 45, None, None))


def test_only_chosen_selectors_are_changed() -> None:
    assert inject("own / other", lambda one: JOB if one.metric == "own" else ()) == 'own{job="j"} / other'


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="the collected expressions are not here")
def test_published_expressions_are_read_as_the_parser_reads_them() -> None:
    lines = [line.partition("\t")[0] for name in ("promql.txt", "promql-bad.txt")
             for line in (FIXTURES / name).read_text().splitlines() if not line.startswith("# ")]
    plain = [re.sub(r"\[[^\]]*\$[^\]]*\]", "[5m]", line) for line in lines]
    sound = [line for line in plain if line and problem(line) is None]
    print(f"{len(sound)} expressions")
    for text in sound:
        before, after = selectors(text), selectors(inject(text, lambda _: JOB))
        assert [(one.metric, {*one.matchers, *JOB}, one.range) for one in before] == \
            [(one.metric, set(one.matchers), one.range) for one in after], text
        # The name is where the place says it is.
        assert all(text[one.start:one.end] in {one.metric, "{"} for one in before), text
