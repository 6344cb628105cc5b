"""docs/alerts.md: every built-in alert with its usual numbers and what it says, from two compiled examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from obsc import durations, pipeline
from obsc.detection import Clock, promise
from obsc.detection import parts as in_words
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Field, Service, Text
from obsc.promql import Expr, Selector, walk
from obsc.rules.alerts import ALERTS
from obsc.signals.settings import Default
from obsc.source import load

from .markdown import NOTE, anchor, code, listed, table

# A service that has everything, for what each alert reads and says.
_EXAMPLE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: example}
alertmanager:
  receivers: [{name: hook, webhookConfigs: [{url: "https://hook.example.com/alerts"}]}]
  routing: {critical: [hook], warning: [hook], info: [hook]}
sources:
  dcgm: {enabled: true, fields: [DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL]}
  amd: {enabled: true}
  blackbox: {enabled: true, address: "blackbox.monitoring.svc:9115", modules: [http_2xx]}
---
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
accelerators: {resource: nvidia.com/gpu}
probes: [{name: health, path: /health}]
workload: {replicas: {min: 1, max: 4}}
indicators: [{name: cached, value: "avg by (namespace) (vllm:kv_cache_usage_perc)", max: 0.9}]
alerts:
  rules:
    HighInferenceLatency: {threshold: 10s}
%s
---
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: other, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.33", options: {VLLM_COMPUTE_NANS_IN_LOGITS: "1"}}
accelerators: {resource: amd.com/gpu}
alerts: {rules: {RequestsShed: {enabled: true}}}
"""
# What an objective watches in their place; and what only the second service has, or needs more than to be switched on.
_PROMISED = frozenset({"HighErrorRate", "ElevatedErrorRate", "SlowFirstToken"})
_LATER = frozenset({"HighInferenceLatency", "RequestsShed", "CorruptedRequests", "GPUUnhealthy"})
# Seconds between scrapes and between evaluations, and of a group's wait: the platform's defaults.
_USUAL = Clock(30, 30, 30)
_INTRO = """\
What holds before a spec says anything; `alerts.rules.<name>` changes each number, or takes the alert away with `enabled: false`.
An alert is made only where its metrics exist; `obsc validate --infos` says which were left out, and why. *Reads* are the metrics
of two examples, vLLM on Kubernetes. For no longer than its `for`, a condition is no alert; a platform that evaluates slowly
lengthens it to two evaluations. *Told within* is how long after a total fault the first word of it comes at the latest, in the
example: `obsc explain SPEC:alerts` says it of a service's own, with its parts. Each metric that an alert reads and
that may vanish is watched by `MetricMissing`.
"""


def page() -> str:
    """The whole page."""
    service, made = _made()
    recorded = {rule.name: rule.expr for rule in service.recordings}
    missing = sorted(set(ALERTS) - set(made))
    assert not missing, f"the example of tools/docs/alerts.py does not make {missing}"
    rows = [(f"[{name}](#{anchor(name)})", one.severity.value, durations.show(one.hold) if one.hold else "at once", _threshold(one),
             in_words(promise(made[name], service, _USUAL)).partition(" ")[0], "" if one.enabled else "only if a spec asks for it")
            for name, one in ALERTS.items()]
    parts = [f"# Built-in alerts\n\n{NOTE}\n\n{_INTRO}", table(("alert", "severity", "for", "threshold", "told within", ""), rows)]
    return "\n".join([*parts, *(_section(name, made[name], recorded) for name in ALERTS)])


def _made() -> tuple[Service, dict[str, AlertRule]]:
    """What the example compiles to, and the first rule of each name."""
    sink = Sink()
    compiled = pipeline.compile_specs({"example.yaml": load("example.yaml", _text().encode(), sink)}, sink)
    assert not sink.failed, [one.message for one in sink]
    first, *_ = compiled.services
    return first, {rule.name: rule for service in reversed(compiled.services) for rule in reversed(service.alerts)}


def _text() -> str:
    """The example, with everything switched on that is off by default."""
    quiet = [name for name, one in ALERTS.items() if name not in _LATER and (name in _PROMISED or not one.enabled)]
    return _EXAMPLE % "\n".join(f"    {name}: {{enabled: true}}" for name in quiet)


def _section(name: str, rule: AlertRule, recorded: Mapping[str, Expr]) -> str:
    checks = "".join(f"{number}. {check}\n" for number, check in enumerate(rule.checks, 1))
    return "\n".join([f"## {name}\n", f"*{_shown(rule.summary)}.* {_shown(rule.description)} {rule.impact}\n",
                      f"Reads {listed(dict.fromkeys(_read(rule.expr, recorded)))}. First look at:\n", checks])


def _shown(text: Text) -> str:
    return "".join(part if isinstance(part, str) else _field(part) for part in text)


def _field(field: Field) -> str:
    return code(field.label or "value")


def _read(expr: Expr, recorded: Mapping[str, Expr]) -> Iterator[str]:
    for part in walk(expr):
        if isinstance(part, Selector) and part.metric in recorded:
            yield from _read(recorded[part.metric], recorded)
        elif isinstance(part, Selector):
            yield part.metric


def _threshold(one: Default) -> str:
    if one.kind == "number" and not one.threshold:
        return ""
    if not one.threshold:
        return "none"
    return {"ratio": f"{durations.number(one.threshold * 100)}%", "duration": durations.spoken(one.threshold)}.get(
        one.kind, durations.number(one.threshold))
