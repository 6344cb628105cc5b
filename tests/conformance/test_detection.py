"""What alerts promise to be told within, against when promtool says that they fire: the faults are the simulator's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from conformance import checks, tools
from conformance.records import Consumers
from obsc import pipeline
from obsc.detection import Clock, promise
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Service
from obsc.promql import Selector, walk
from obsc.simulator.plant import Plant
from obsc.simulator.scenario import Fault
from obsc.simulator.series import series
from obsc.source import load
from samples import PLATFORM, SPEC
from simulator.pages import jobs, scenario, source

RULES = "default/artifacts/ai/chat/rules.yaml"
# Faults begin in the middle between two scrapes and two evaluations, when the ranges that are read are full.
EVERY, LONGEST = 30.0, 1200.0
OUTAGE, ERRORS, LATER = Fault("total-outage", 2115.0), Fault("error-burst", 2115.0, value=1.0), Fault("error-burst", 21915.0, value=1.0)


@lru_cache(maxsize=4)
def simulated(fault: Fault, names: frozenset[str]) -> dict[str, str]:
    plant, exporters = Plant(replace(scenario("vllm", "0.15", (fault,), replicas=1), began=0.0)), (source("kubeStateMetrics"),)
    return series(plant, jobs(exporters), EVERY, fault.start + LONGEST, names)


def read(rule: AlertRule, service: Service) -> frozenset[str]:
    """Names of the series that an alert reads, behind what is recorded."""
    recorded = {one.name: one.expr for one in service.recordings}
    pending, found = [rule.expr], set[str]()
    while pending:
        for name in {one.metric for one in walk(pending.pop()) if isinstance(one, Selector)} - found:
            found.add(name)
            pending += [recorded[name]] if name in recorded else []
    return frozenset(found - recorded.keys())


@pytest.mark.parametrize(("alert", "fault", "more"), [
    ("ServiceDown", OUTAGE, ""),
    ("HighErrorRate", ERRORS, "alerts: {rules: {HighErrorRate: {threshold: 5%}}}\n"),
    ("HighErrorRate", ERRORS, "alerts: {rules: {HighErrorRate: {threshold: 60%, for: 90s}}}\n"),
    ("ElevatedErrorRate", ERRORS, "alerts: {rules: {ElevatedErrorRate: {threshold: 20%, for: 2m}}}\n"),
    ("SLOBurnFast", LATER, "objectives: [{name: availability, target: 99%}]\n"),
    ("NoReadyReplicas", OUTAGE, "workload: {name: vllm, startup: 3m}\n"),
])
def test_an_alert_fires_when_it_promises(alert: str, fault: Fault, more: str, tool: Callable[[str], Path], tmp_path: Path,
                                                 consumers: Consumers) -> None:
    sources = {name: load(name, text.encode(), Sink()) for name, text in (("chat.yaml", SPEC + more), ("platform.yaml", PLATFORM))}
    sink = Sink()
    compiled = pipeline.compile_specs(sources, sink)
    assert not sink.failed, list(sink)
    (tmp_path / "rules.yaml").write_bytes(compiled.tree[RULES])
    [service] = compiled.services
    [rule] = [one for one in service.alerts if one.name == alert]
    promised = promise(rule, service, Clock(EVERY, EVERY, wait=0))
    late = math.floor((fault.start + promised.total) / EVERY) * EVERY
    early = math.ceil((fault.start + promised.least) / EVERY) * EVERY - EVERY
    assert late - fault.start <= LONGEST
    found = simulated(fault, read(rule, service))
    firing = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    test = {"rule_files": ["rules.yaml"], "evaluation_interval": "30s", "tests": [{
        "interval": "30s", "input_series": [{"series": name, "values": values} for name, values in found.items()],
        "promql_expr_test": [{"expr": f"count({firing}) > bool 0", "eval_time": f"{late:.0f}s", "exp_samples": [{"labels": "{}", "value": 1}]},
                             {"expr": firing, "eval_time": f"{early:.0f}s", "exp_samples": []}]}]}
    (tmp_path / "test.json").write_text(json.dumps(test))
    verdict = checks.promtool_test_rules(tool("promtool"), [tmp_path / "test.json"])
    consumers.record("promtool test rules", tools.version("promtool"), 1)
    assert verdict.accepted, f"{alert} promises {promised}: silent until {early - fault.start} s, fires after {late - fault.start} s\n{verdict.output}"
