"""Budgets of promises: windows, factors and the series by which burning is told."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from conftest import Compile
from obsc import promql, slo
from obsc.ir import Objective, Service
from samples import SPEC

DAY = 86400.0


@pytest.mark.parametrize(("days", "factors"), [
    (30, ["14.4", "6", "3", "1"]), (28, ["13.44", "5.6", "2.8", "1"]), (90, ["43.2", "18", "9", "3"]), (7, ["3.36", "1.4", "1"]),
])
def test_factors_follow_from_the_period(days: int, factors: list[str]) -> None:
    """The table of the Site Reliability Workbook for 30 days; slower than the budget lasts is never told."""
    assert [pair.factor for pair in slo.pairs(0.999, days * DAY)] == [Decimal(one) for one in factors]


def test_windows_stay_and_short_periods_have_no_window_of_days() -> None:
    assert [(pair.short, pair.long, pair.pages) for pair in slo.pairs(0.999, 30 * DAY)] == [
        (300, 3600, True), (1800, 21600, True), (7200, DAY, False), (21600, 3 * DAY, False)]
    assert max(pair.long for pair in slo.pairs(0.999, 7 * DAY)) == DAY


@given(some.floats(0.5, 0.99999), some.integers(1, 365))
def test_all_events_bad_trip_every_pair_and_no_pair_waits_for_less_than_the_budget(target: float, days: int) -> None:
    for pair in slo.pairs(target, days * DAY):
        assert pair.limit <= Decimal("0.8")
        assert pair.capped or pair.limit >= (1 - Decimal(repr(target))).quantize(Decimal("1e-9"))


def test_limits_are_exact_decimals() -> None:
    assert [str(pair.limit) for pair in slo.pairs(0.999, 30 * DAY)] == ["0.0144", "0.006", "0.003", "0.001"]
    assert [str(pair.limit) for pair in slo.pairs(0.9, 30 * DAY)] == ["0.8", "0.8", "0.6", "0.3", "0.1"]


@pytest.mark.parametrize(("target", "sudden"), [(0.995, False), (0.99, False), (0.95, True), (0.9, True)])
def test_a_large_budget_does_not_hide_a_total_outage_for_an_hour(target: float, sudden: bool) -> None:  # noqa: FBT001
    """At 95 % and 30 days all requests must be bad for 43 minutes before they spent a fiftieth of what may be."""
    first = slo.pairs(target, 30 * DAY)[0]
    assert (first.short == first.long) is sudden
    assert float(first.limit) * first.long <= 600


def compiled_one(compile_texts: Compile, text: str) -> Service:
    compiled, _ = compile_texts({"chat.yaml": text})
    [service] = compiled.services
    return service


def made(compile_texts: Compile, more: str = "") -> tuple[Objective, ...]:
    return compiled_one(compile_texts, SPEC + more).objectives


def test_what_llms_promise_unless_their_spec_says_otherwise(compile_texts: Compile) -> None:
    assert [(one.name, one.target, one.window) for one in made(compile_texts)] == [
        ("availability", 0.995, 30 * DAY), ("first-token", 0.95, 30 * DAY)]
    assert made(compile_texts, "objectives: []\n") == ()


def test_a_pair_that_few_bad_requests_trip_is_left_out(compile_texts: Compile) -> None:
    first, _ = made(compile_texts)
    # 7.2 % of an hour's requests are five bad ones at 0.0193 requests a second.
    for rate, pages in ((0.0192, [21600]), (0.0194, [3600, 21600])):
        assert [pair.long for pair in slo.bearable(replace(first, rate=rate)) if pair.pages] == pages


def test_series_are_named_as_sloth_names_them_and_longer_ones_weigh_by_events(compile_texts: Compile) -> None:
    service = compiled_one(compile_texts, SPEC)
    rules = [rule for rule in service.recordings if dict(rule.labels).get("sloth_slo") == "availability"]
    shown = {rule.name: promql.show(rule.expr) for rule in rules}
    assert {"slo:sli_error:ratio_rate5m", "slo:sli_error:ratio_rate3d", "slo:sli_error:ratio_rate30d", "slo:objective:ratio",
            "slo:error_budget:ratio", "slo:time_period:days", "slo:current_burn_rate:ratio", "slo:period_burn_rate:ratio",
            "slo:period_error_budget_remaining:ratio", "sloth_slo_info"} <= set(shown)
    assert shown["slo:error_budget:ratio"] == "vector(0.005)"
    assert re.fullmatch(r"sum by \(namespace\) \(sum_over_time\(slo:sli_errors:rate5m\{[^}]*\}\[3d\]\)\) / "
                        r"\(sum by \(namespace\) \(sum_over_time\(slo:sli_events:rate5m\{[^}]*\}\[3d\]\)\) > 0\)",
                        shown["slo:sli_error:ratio_rate3d"])
    # What adds up days is evaluated more seldom than what pages wait for.
    assert {rule.pace for rule in rules if re.search(r"rate(1d|3d|30d)$", rule.name)} == {120}
    assert {rule.pace for rule in rules if re.search(r"rate(5m|30m|1h|2h|6h)$", rule.name)} == {0}


def test_a_promise_of_probes_or_targets_is_judged_by_minutes(compile_texts: Compile) -> None:
    service = compiled_one(compile_texts, SPEC + "objectives:\n  - {name: alive, signal: up, target: 99.9%}\n")
    [judged] = [promql.show(rule.expr) for rule in service.recordings if rule.name == slo.JUDGED]
    assert " ".join(judged.split()) == ('max by (namespace) (up{job="chat",namespace="ai"}) == bool 0 or absent(up{job="chat",namespace="ai"})')


def test_a_service_that_may_scale_to_zero_keeps_its_promise_without_targets(compile_texts: Compile) -> None:
    more = "workload: {replicas: {min: 0, max: 3}}\nobjectives:\n  - {name: alive, signal: up, target: 99.9%}\n"
    service = compiled_one(compile_texts, SPEC + more)
    [judged] = [promql.show(rule.expr) for rule in service.recordings if rule.name == slo.JUDGED]
    assert "absent" not in judged
