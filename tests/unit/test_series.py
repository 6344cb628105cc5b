"""Series of a service's own: every type beside every signal ends in outputs or in a finding at its line."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from conftest import Compile
from obsc.diagnostics import Severity
from obsc.signals.reading import FITTING
from obsc.spec.metrics import Signal

PROMISED = {"timePerOutputToken": "threshold: 1s, statistic: mean", "gpuMemoryUsage": "threshold: 90%", "cpuUsage": "threshold: 90%",
            "memoryUsage": "threshold: 90%", "preemptions": "threshold: 5", "batchSize": "threshold: 8, statistic: mean", "probeSuccess": ""}
TYPES = ("counter", "gauge", "histogram", "summary")


def test_every_signal_says_which_types_fit() -> None:
    assert set(FITTING) == set(get_args(Signal))


@pytest.mark.parametrize(("signal", "kind"), list(itertools.product(get_args(Signal), TYPES)))
def test_a_series_shows_a_signal_or_is_refused_at_its_line(signal: str, kind: str, compile_texts: Compile) -> None:
    buckets = ", buckets: [0.1, 1, 10]" if kind == "histogram" else ""
    # What no panel shows by itself is shown by what is promised of it.
    promise = f"[{{name: x, signal: {signal}, target: 99%, {PROMISED[signal]}}}]" if signal in PROMISED and kind in FITTING[signal] else "[]"
    spec = f"""\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai, team: ml}}
runtime: {{name: custom}}
objectives: {promise}
metrics:
  series:
    - {{name: x_total, type: {kind}, signal: {signal}, labels: {{status: [ok, error], model_name: []}}{buckets}}}
"""
    compiled, found = compile_texts({"a.yaml": spec})
    errors = [(one.code, one.place.line) for one in found if one.severity is Severity.ERROR]
    if kind in FITTING[signal]:
        assert errors == []
        shown = "rules.yaml" if signal in PROMISED else "dashboard.json"
        assert b"x_total" in compiled.tree[f"default/artifacts/ai/chat/{shown}"]
    else:
        assert errors == [("S306" if signal == "availability" else "S358", 8)]


@pytest.mark.parametrize(("signal", "kind"), [(signal, kind) for signal, kinds in FITTING.items() for kind in kinds])
def test_a_series_stands_in_for_what_the_runtime_shows(signal: str, kind: str, compile_texts: Compile) -> None:
    """Whatever alerts combine: a level where the runtime counts, a mean where it has a histogram."""
    buckets = ", buckets: [0.1, 1, 10]" if kind == "histogram" else ""
    spec = f"""\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: chat, namespace: ai, team: ml}}
runtime: {{name: vllm, version: "0.15"}}
objectives: []
metrics:
  series:
    - {{name: x_total, type: {kind}, signal: {signal}, labels: {{status: [ok, error], model_name: []}}{buckets}}}
"""
    compiled, found = compile_texts({"a.yaml": spec})
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    assert compiled.tree
