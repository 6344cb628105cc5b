"""What alerts promise, computed by hand for expressions whose answer is known."""

from __future__ import annotations

import pytest

from obsc.detection import Clock, parts, promise
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Service
from obsc.pipeline import compile_specs
from obsc.source import load
from samples import PLATFORM, SPEC

CLOCK = Clock(30, 30, 30)


def service(more: str = "", platform: str = "") -> Service:
    sources = {name: load(name, text.encode(), Sink()) for name, text in (("chat.yaml", SPEC + more), ("platform.yaml", PLATFORM + platform))}
    sink = Sink()
    [found] = compile_specs(sources, sink).services
    assert not sink.failed, list(sink)
    return found


def custom(expr: str, hold: str = "0s") -> tuple[AlertRule, Service]:
    found = service(f"alerts: {{custom: [{{name: Odd, expr: '{expr}', summary: odd, for: {hold}}}]}}\n")
    return next(rule for rule in found.alerts if rule.name == "Odd"), found


@pytest.mark.parametrize(("alert", "more", "window", "evaluation", "hold"), [
    ("ServiceDown", "", 0, 30, 120),
    # A level: one sample tells.
    ("MemoryNearLimit", "", 0, 30, 900),
    # A fifth of five minutes, recorded before it is compared.
    ("HighErrorRate", "alerts: {rules: {HighErrorRate: {threshold: 20%}}}\n", 60, 60, 300),
    # 14.4 times the budget of 0.1 % in an hour: 52 s, as the workbook says.
    ("SLOBurnFast", "objectives: [{name: availability, target: 99.9%}]\n", 51.84, 60, 120),
    # `for` counts whole evaluations.
    ("ServiceDown", "alerts: {rules: {ServiceDown: {for: 100s}}}\n", 0, 30, 120),
    # Ten of a hundred requests in five minutes are beyond the quantile after a tenth of them.
    ("HighInferenceLatency", "alerts: {rules: {HighInferenceLatency: {quantile: 0.9, threshold: 5s}}}\n", 30, 30, 600),
    # A mean over a threshold may lie near to it: at worst the whole range has to be bad.
    ("MetricMissing", "", 600, 30, 300),
])
def test_a_promise_is_what_its_parts_say(alert: str, more: str, window: float, evaluation: float, hold: float) -> None:
    found = service(more)
    rule = next(one for one in found.alerts if one.name == alert)
    promised = promise(rule, found, CLOCK)
    assert (promised.scrape, promised.evaluation, promised.hold, promised.wait) == (30, evaluation, hold, 30)
    assert promised.window == pytest.approx(window, abs=0.1)
    assert promised.total == pytest.approx(90 + window + evaluation - 30 + hold, abs=0.1)
    assert promised.least <= promised.total - 90


def test_rates_that_were_recorded_are_slower_than_rates() -> None:
    found = service("alerts: {rules: {ElevatedErrorRate: {threshold: 50%}}}\n")
    rule = next(one for one in found.alerts if one.name == "ElevatedErrorRate")
    # Half of half an hour, and half of the five minutes over which each rate is a mean.
    assert promise(rule, found, CLOCK).window == pytest.approx(900 + 150, abs=0.1)


def test_the_slowest_scrape_that_is_read_counts() -> None:
    found = service("metrics: {endpoints: [{interval: 10s}]}\nalerts: {rules: {HighErrorRate: {}}}\n")
    by_name = {rule.name: promise(rule, found, CLOCK).scrape for rule in found.alerts}
    assert by_name["HighErrorRate"] == 10
    assert by_name["MemoryNearLimit"] == 30


def test_of_an_expression_of_ones_own_the_longest_range_counts() -> None:
    rule, found = custom("rate(http_requests_total[7m]) > 3 and up == 1")
    assert promise(rule, found, CLOCK).window == 420


def test_a_promise_is_told_in_words() -> None:
    found = service()
    rule = next(one for one in found.alerts if one.name == "ServiceDown")
    assert parts(promise(rule, found, CLOCK)) == "3m30s (scrape 30s, evaluation 30s, for 2m, group wait 30s)"
