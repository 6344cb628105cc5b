"""A file with any two mistakes reports both, each at its place: no stage hides what a later one would find."""

from __future__ import annotations

import itertools
import re

import pytest

from conftest import Compile
from obsc.diagnostics import Severity

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: prod}
prometheus: {flavor: operator}
alertmanager:
  receivers: [{name: pager, pagerdutyConfigs: [{routingKey: {name: pagerduty, key: key}}]}]
  routing: {critical: [pager], warning: [pager]}
  teams:
    chat: {namespaces: [ai]}
    quiet: {namespaces: [ai], maxSeverity: warning}
filebeat: {version: 9.5.2}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}
enforced: {traces: {sampling: {keepErrors: true}}}
"""
SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata:
  name: chat
  namespace: ai
  team: chat
  links: {source: "https://git.example.com/chat"}
runtime:
  name: custom
workload:
  kind: Deployment
  replicas: {min: 2, max: 4}
metrics:
  endpoints:
    - port: 8000
      interval: 30s
      timeout: 10s
  series:
    - name: chat_requests_total
      type: counter
      signal: availability
      labels: {status: [ok, error]}
    - name: chat_seconds
      type: histogram
      unit: seconds
      signal: requestDuration
      buckets: [0.1, 1, 5, 10]
alerts:
  rules:
    HighInferenceLatency:
      threshold: 5s
      quantile: 0.95
      for: 5m
    ServiceDown:
      severity: critical
logs:
  paths: ["/var/log/containers/chat-*.log"]
traces:
  sampling:
    keepErrors: true
environments:
  prod: {}
"""
# Kind of mistake: what is replaced by what, the code, and the text that the place must begin with.
MISTAKES: dict[str, tuple[str, str, str, str]] = {
    "structure: unknown key": ("  team: chat\n", "  team: chat\n  owner: me\n", "V101", "owner"),
    "structure: not in this version": ("apiVersion: obsc", "quality: []\napiVersion: obsc", "V102", "quality"),
    "structure: no value": ("workload:\n", "accelerators:\nworkload:\n", "V107", "accelerators"),
    "structure: duplicate key": ("  kind: Deployment\n", "  kind: Deployment\n  kind: Deployment\n", "L007", "kind"),
    "value: duration without unit": ("interval: 30s", "interval: 30", "V104", "30"),
    "value: wrong type": ("port: 8000", "port: true", "V104", "true"),
    "value: choice": ("unit: seconds", "unit: second", "V104", "second"),
    "reference: endpoint": ("labels: {status: [ok, error]}\n", "labels: {status: [ok, error]}\n      endpoint: nowhere\n", "R210",
                            "nowhere"),
    "reference: alert": ("    ServiceDown:", "    ServiceDwon: {enabled: true}\n    ServiceDown:", "S301", "ServiceDwon"),
    "reference: environment": ("  prod: {}", "  prod: {}\n  prd: {}", "R202", "prd"),
    "semantics: quantile beyond the buckets": ("threshold: 5s", "threshold: 20s", "S316", "20s"),
    "semantics: replicas": ("{min: 2, max: 4}", "{min: 2, max: 1}", "S311", "1"),
    "semantics: timeout": ("timeout: 10s", "timeout: 60s", "S309", "60s"),
    "policy: link": ('"https://git.example.com/chat"', '"http://git.example.com/chat"', "P405", '"http'),
    "policy: log path": ("/var/log/containers/chat-*", "/etc/chat-*", "P406", '"/etc'),
    "policy: enforced": ("keepErrors: true", "keepErrors: false", "R204", "false"),
}
PAIRS = list(itertools.combinations(MISTAKES, 2))


def broken(*kinds: str) -> str:
    text = SPEC
    for kind in kinds:
        old, new, _, _ = MISTAKES[kind]
        assert text.count(old) == 1, (kind, old)
        text = text.replace(old, new)
    return text


def test_the_spec_without_mistakes_has_none(compile_texts: Compile) -> None:
    _, found = compile_texts({"platform.yaml": PLATFORM, "chat.yaml": SPEC})
    assert [one for one in found if one.severity is Severity.ERROR] == []


def test_there_are_sixteen_kinds_and_all_their_pairs() -> None:
    assert len(MISTAKES) == 16
    assert len(PAIRS) == 120


@pytest.mark.parametrize("pair", PAIRS, ids=[" + ".join(re.sub(r"[^a-z]+", "-", kind) for kind in pair) for pair in PAIRS])
def test_two_mistakes_are_both_reported_at_their_places(pair: tuple[str, str], compile_texts: Compile) -> None:
    text = broken(*pair)
    _, found = compile_texts({"platform.yaml": PLATFORM, "chat.yaml": text})
    lines = text.split("\n")
    errors = [(one.code, lines[one.place.line - 1][one.place.column - 1:]) for one in found if one.severity is Severity.ERROR]
    for kind in pair:
        _, _, code, begin = MISTAKES[kind]
        assert any(seen == code and rest.startswith(begin) for seen, rest in errors), (kind, errors)
    assert len(errors) == 2, errors
