"""Words that the language reserves: each is refused at its line, by a message that names what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from obsc.diagnostics import Sink
from obsc.source import load
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import blocks, site
from obsc.spec.service import AIService
from obsc.validate import check

# Reserved by the language's reference: what becomes a word of this version leaves this list, and nothing else does.
SERVICE = {
    "accelerators.product", "alerts.activeTimeIntervals", "alerts.muteTimeIntervals", "autoscaling", "baselines", "cost", "dependencies",
    "drift", "feedback", "logs.retention", "metrics.discovery: otlp", "metrics.dropLabels", "models[].adapters",
    "models[].price", "objectives[].span", "quality", "workload.kind: CronJob", "workload.kind: Job", "workload.versionLabel",
    *(f"{where}[].signal: {word}" for where in ("metrics.series", "objectives")
      for word in ("driftScore", "feedback", "jobDuration", "lastSuccess", "spend"))}
PLATFORM = {
    "alertmanager.muteTimeIntervals", "alertmanager.severityLabels", "alertmanager.timeIntervals", "alertmanager.watchdog",
    "alertmanager.teams.<name>.activeTimeIntervals", "alertmanager.teams.<name>.escalation", "alertmanager.teams.<name>.muteTimeIntervals",
    "collector.kafka", "collector.mode: agent+gateway", "elasticsearch.retention", "grafana.datasources.elasticsearch",
    "grafana.datasources.jaeger", "jaeger.deploy", "jaeger.storage", "policy.images", "prometheus.mode", "prometheus.remoteWrite[].headers",
    "sources.istio", "sources.knative", "sources.kuberay", "sources.nodeExporter",
    *(f"alertmanager.receivers[].{word}Configs" for word in ("discord", "msteams", "msteamsv2", "pushover", "rocketchat", "sns", "telegram",
                                                             "victorops", "webex", "wechat"))}


def reserved(model: type[Block]) -> Iterator[tuple[str, str, str]]:
    """Every reserved word of a document's language: where, the value if it is one, and the text with what is missing."""
    for where, block in blocks(model):
        if where.startswith("components[]"):
            continue  # the same blocks as the service's own
        base = f"{where}." if where else ""
        yield from ((f"{base}{key}", "", text) for key, text in block.later.items())
        yield from ((f"{base}{key}", word, text) for key, words in block.later_values.items() for word, text in words.items())


CASES = [(model, *one) for model in (AIService, AIPlatform) for one in reserved(model)]


@pytest.mark.parametrize(("model", "expected"), [(AIService, SERVICE), (AIPlatform, PLATFORM)])
def test_the_reserved_words_are_these(model: type[Block], expected: set[str]) -> None:
    assert {f"{where}: {value}" if value else where for where, value, _ in reserved(model)} == expected


@pytest.mark.parametrize(("model", "where", "value", "text"), CASES, ids=[f"{where}{value and ':' + value}" for _, where, value, _ in CASES])
def test_a_reserved_word_is_refused_at_its_line(model: type[Block], where: str, value: str, text: str) -> None:
    steps = tuple(step for part in where.split(".") for step in ((part[:-2], 0) if part.endswith("[]") else (part,)))
    tree, line = {"kind": model.__name__, "apiVersion": "obsc.dev/v1alpha1"}, 3
    written = "".join(f"{key}: {word}\n" for key, word in tree.items()) + _block(steps, value)
    sink = Sink()
    [document] = load("spec.yaml", written.encode(), sink).documents
    check(document, sink)
    found = [one for one in sink if one.code == "V102"]
    missing, _, instead = text.partition("; ")
    assert [(one.place.line, one.path) for one in found] == [(line, where.replace("[]", "[0]").replace("<name>", "x"))]
    assert missing in found[0].message
    assert "is not in this version" in found[0].message
    assert (instead or found[0].hint) in found[0].hint
    assert found[0].hint


def test_values_are_reserved_of_keys_that_have_others() -> None:
    for model, where, value, _ in CASES:
        if value:
            steps = tuple(step for part in where.split(".") for step in ((part[:-2], 0) if part.endswith("[]") else (part,)))
            assert site(model, steps).choices
            assert value not in site(model, steps).choices


def _block(steps: tuple[Any, ...], value: str) -> str:
    """A path in flow style, all on one line."""
    inner: Any = value or "x"
    for step in reversed(steps[1:]):
        inner = [inner] if step == 0 else {("x" if step == "<name>" else step): inner}
    return f"{steps[0]}: {json.dumps(inner)}\n"
