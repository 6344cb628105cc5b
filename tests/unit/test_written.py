"""What teams write in PromQL: completed, confined to their own series, and judged where it stands."""

from __future__ import annotations

import json

import pytest

from conftest import Compile
from obsc.diagnostics import Severity
from samples import PLATFORM, SPEC, rules, told

HEAD = SPEC + """\
metrics:
  endpoints: [{}, {name: guard, port: 9000}]
  series:
    - {name: refusals_total, type: counter, labels: {reason: []}, endpoint: guard}
    - {name: context_fill, type: gauge, unit: ratio}
"""


def alert(expr: str, more: str = "") -> str:
    return HEAD + f"alerts: {{custom: [{{name: Own, summary: Odd, expr: {json.dumps(expr)}{more}}}]}}\n"


@pytest.mark.parametrize(("expr", "expected"), [
    ("rate(refusals_total[5m]) > 1", 'rate(refusals_total{job="chat-guard",namespace="ai"}[5m]) > 1'),
    ("vllm:num_requests_waiting > 5", 'vllm:num_requests_waiting{job="chat",namespace="ai"} > 5'),
    ('sum(up{job="other"}) < 1', 'sum(up{namespace="ai",job="other"}) < 1'),
    ("kube_pod_status_ready == 0", 'kube_pod_status_ready{namespace="ai"} == 0'),
    ("ai:requests:rate < 1", 'ai:requests:rate{namespace="ai",service="chat"} < 1'),
    ("foreign_metric > 1 # why", 'foreign_metric{namespace="ai"} > 1'),
    ("rate(vllm:e2e_request_latency_seconds_count[5m]) > 1", 'rate(vllm:e2e_request_latency_seconds_count{job="chat",namespace="ai"}[5m]) > 1'),
    ('context_fill{namespace="ai"} > 0.9', 'context_fill{job="chat",namespace="ai"} > 0.9'),
])
def test_selectors_are_completed(expr: str, expected: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": alert(expr)})
    assert told(found) == []
    [rule] = [one for one in rules(compiled.tree) if one.get("alert") == "Own"]
    assert rule["expr"] == expected
    assert rule["for"] == "5m"
    assert {"namespace": "ai", "service": "chat", "team": "ml", "severity": "warning"}.items() <= rule["labels"].items()


@pytest.mark.parametrize(("expr", "more", "code"), [
    ("rate(x[5m]", "", "S350"), ("x[5m]", "", "S350"), ('"text"', "", "S350"), ('x{a="b" or c="d"}', "", "S350"),
    ("limitk(2, x)", "", "S350"), ('x{namespace="other"}', "", "P410"), ('x{namespace=~".*"}', "", "P410"),
    ("x", ", scope: false", "P410"), ('{__name__="x",namespace!="ai"}', "", "P410")])
def test_what_cannot_be_used_or_reads_others_is_refused(expr: str, more: str, code: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": alert(expr, more)})
    assert told(found) == [(code, 11)]
    assert not [path for path in compiled.tree if "/ai/chat/" in path]


def test_the_platform_can_open_a_namespace(compile_texts: Compile) -> None:
    platform = PLATFORM + "policy: {crossNamespace: [gate*]}\n"
    compiled, found = compile_texts({"a.yaml": alert('x{namespace="gateways"} > 1', ", scope: false"), "p.yaml": platform})
    assert told(found) == []
    assert [one["expr"] for one in rules(compiled.tree) if one.get("alert") == "Own"] == ['x{namespace="gateways"} > 1']


def test_an_unknown_metric_is_a_warning_with_the_nearest_name(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": alert("vllm:num_requests_waitin > 1")})
    assert ("S351", 11) in told(found, Severity.WARNING)
    assert [one.hint for one in found if one.code == "S351"] == ["did you mean `vllm:num_requests_waiting`?"]


def test_a_custom_alert_cannot_take_a_built_in_name(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": alert("x > 1").replace("name: Own", "name: ServiceDown")})
    assert told(found) == [("S352", 11)]


def test_own_metrics_of_custom_alerts_are_missed_when_they_vanish(compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"a.yaml": alert("rate(refusals_total[5m]) > 1")})
    [missing] = [one["expr"] for one in rules(compiled.tree) if one.get("alert") == "MetricMissing"]
    assert 'refusals_total{job="chat-guard",namespace="ai"}' in missing
    assert '"metric", "refusals_total"' in missing


INDICATOR = HEAD + """\
indicators:
  - name: refused
    description: Share of refusals.
    ratio: {numerator: 'refusals_total{reason="guard"}', denominator: refusals_total}
    max: 0.2
    min: 0.01
    for: 20m
    severity: critical
    unit: ratio
  - {name: fill, value: max by (namespace) (context_fill), max: 0.9}
"""


def test_an_indicator_is_recorded_drawn_and_watched(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": INDICATOR})
    assert told(found) == []
    made = rules(compiled.tree)
    recorded = {one["record"]: one["expr"] for one in made if one["labels"].get("indicator") == "refused" and "record" in one}
    assert recorded == {
        "ai:indicator_numerator:rate": 'sum by (namespace) (rate(refusals_total{job="chat-guard",namespace="ai",reason="guard"}[5m]))',
        "ai:indicator_denominator:rate": 'sum by (namespace) (rate(refusals_total{job="chat-guard",namespace="ai"}[5m]))'}
    alerts = {one["labels"]["indicator"]: one for one in made if one.get("alert") == "IndicatorOutOfBounds"}
    assert (alerts["refused"]["for"], alerts["refused"]["labels"]["severity"]) == ("20m", "critical")
    assert "< 0.01" in alerts["refused"]["expr"]
    assert "> 0.2" in alerts["refused"]["expr"]
    assert alerts["fill"]["expr"] == '(max by (namespace) (context_fill{job="chat",namespace="ai"})) > 0.9'
    page = json.loads(compiled.tree["default/artifacts/ai/chat/dashboard.json"])
    titles = {panel["title"]: panel for row in page["panels"] for panel in (row, *row.get("panels", []))}
    steps = titles["refused"]["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert [step["value"] for step in steps if step["value"] is not None] == [0.01, 0.2]


@pytest.mark.parametrize(("old", "new", "code", "line"), [
    ("max: 0.9}", "min: 2, max: 0.9}", "S353", 20), (", max: 0.9}", "}", "S353", 20),
    ("value: max by (namespace) (context_fill), ", "", "S354", 20), ("denominator: refusals_total}", "denominator: 'rate(refusals_total[5m])'}", "S350", 14)])
def test_an_indicator_has_one_source_and_bounds_in_order(old: str, new: str, code: str, line: int, compile_texts: Compile) -> None:
    assert old in INDICATOR
    _, found = compile_texts({"a.yaml": INDICATOR.replace(old, new)})
    assert told(found) == [(code, line)]


def test_a_panel_of_ones_own_stands_in_its_row(compile_texts: Compile) -> None:
    spec = HEAD + """\
dashboards:
  panels:
    - {title: Refusals, expr: 'sum by (reason) (rate(refusals_total[$__rate_interval]))', unit: events/second, type: bars}
"""
    compiled, found = compile_texts({"a.yaml": spec})
    assert told(found) == []
    page = json.loads(compiled.tree["default/artifacts/ai/chat/dashboard.json"])
    [panel] = [one for row in page["panels"] for one in (row, *row.get("panels", [])) if one["title"] == "Refusals"]
    assert panel["targets"][0]["expr"] == \
        'sum by (reason) (rate(refusals_total{job="chat-guard",namespace="ai"}[$__rate_interval]))'
    assert panel["type"] == "bargauge"
