"""Labels of pods on series, and metrics that are not stored, in both forms of a scrape."""

from __future__ import annotations

import pytest

from conftest import Compile
from samples import PLATFORM, SPEC, read, told

OPERATOR = PLATFORM + "prometheus: {flavor: operator}\n"


def test_labels_and_drops_reach_both_forms(compile_texts: Compile) -> None:
    spec = SPEC + "metrics: {podTargetLabels: [app.kubernetes.io/version], dropMetrics: ['python_gc_*']}\n"
    files, found = compile_texts({"a.yaml": spec})
    assert told(found) == []
    [job] = read(files.tree["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"]
    assert {"source_labels": ["__meta_kubernetes_pod_label_app_kubernetes_io_version"],
            "target_label": "app_kubernetes_io_version"} in job["relabel_configs"]
    assert job["metric_relabel_configs"] == [{"source_labels": ["__name__"], "regex": "python_gc_.*", "action": "drop"}]
    operator, _ = compile_texts({"a.yaml": spec, "p.yaml": OPERATOR})
    [endpoint] = read(operator.tree["default/manifests/ai/chat/scrape-default.yaml"])["spec"]["podMetricsEndpoints"]
    assert endpoint["metricRelabelings"] == [{"action": "drop", "sourceLabels": ["__name__"], "regex": "python_gc_.*"}]
    assert "app_kubernetes_io_version" in [step.get("targetLabel") for step in endpoint["relabelings"]]


@pytest.mark.parametrize("glob", ["vllm:*", "vllm:num_requests_waiting", "*"])
def test_what_a_rule_or_a_panel_reads_cannot_be_dropped(glob: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + f"metrics:\n  dropMetrics:\n    - python_*\n    - '{glob}'\n"})
    assert told(found) == [("S355", 9)]


@pytest.mark.parametrize("keys", ["[namespace]", "[a.b, a-b]", "[job]"])
def test_a_label_of_pods_cannot_take_the_place_of_another(keys: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + f"metrics: {{podTargetLabels: {keys}}}\n"})
    assert told(found) == [("S356", 6)]


def test_where_nothing_is_discovered_labels_of_pods_are_said_to_do_nothing(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + "metrics: {discovery: none, matchers: ['a=\"b\"'], podTargetLabels: [x], dropMetrics: [y]}\n"})
    assert [one.path for one in found if one.code == "T501"] == ["metrics.podTargetLabels", "metrics.dropMetrics"]
