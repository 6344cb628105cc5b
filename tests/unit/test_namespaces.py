"""Objects in several namespaces: everything that is read is confined to them, and each is told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import Compile
from tests.samples import PLATFORM, SPEC, read, rules, told

from obsc.diagnostics import Diagnostic

LOGS = 'filebeat: {version: 9.5.2}\nelasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}\n'
SITES = "workload: {namespaces: [eu, us]}\n"
GLOB = 'workload: {namespaces: ["ai-*"]}\n'


def teams(text: str) -> str:
    return PLATFORM + f"  teams: {{{text}}}\n"


@pytest.mark.parametrize(("platform", "said", "expected"), [
    (PLATFORM, "[eu]", []),
    (PLATFORM, '["*"]', []),
    (teams("ml: {namespaces: [ai, eu]}"), "[ai, eu]", []),
    (teams("ml: {namespaces: [ai, eu]}"), "[ai, us]", ["team `ml` may not run services in `us`"]),
    (teams("ml: {namespaces: [ai, us]}"), '["u*"]', ["team `ml` may not run services in all of `u*`"]),
    (teams('ml: {namespaces: [ai, "u*"]}'), '["u*", us-1]', []),
    (teams("ml: {}, other: {namespaces: [us]}"), "[us]", ["`us` reaches the namespace `us` of team `other`"]),
    (teams("ml: {}, other: {namespaces: [us-2]}"), '["us*"]', ["`us*` reaches the namespace `us-2` of team `other`"]),
    (teams("ml: {}, other: {namespaces: [us]}"), "[eu]", []),
])
def test_a_tenant_reaches_its_own_namespaces_only(platform: str, said: str, expected: list[str], compile_texts: Compile) -> None:
    _, found = compile_texts({"s.yaml": SPEC + f"workload:\n  namespaces: {said}\n", "p.yaml": platform})
    errors = [one for one in found if one.code == "P402"]
    assert [one.message for one in errors] == expected
    assert [(one.place.file, one.place.line, one.path) for one in errors] == [("s.yaml", 7, "workload.namespaces")] * len(expected)
    assert [one.code for one in found if one.severity == 0] == ["P402"] * len(expected)


def test_an_environment_cannot_reach_further_than_the_document(compile_texts: Compile) -> None:
    platform = teams("ml: {namespaces: [ai]}").replace("{name: default}", "{name: default}\nenvironments: {prod: {}}")
    _, found = compile_texts({"s.yaml": SPEC + "environments:\n  prod: {workload: {namespaces: [kube-system]}}\n", "p.yaml": platform})
    assert told(found) == [("P402", 7)]


def test_fixed_addresses_lie_in_no_namespace(compile_texts: Compile) -> None:
    spec = SPEC + SITES + 'metrics: {discovery: static, staticConfigs: [{targets: ["a.eu.svc:1"]}]}\n'
    _, found = compile_texts({"s.yaml": spec, "p.yaml": PLATFORM})
    assert told(found) == [("S304", 6)]


def test_a_probe_of_several_services_needs_an_address(compile_texts: Compile) -> None:
    platform = PLATFORM + 'sources: {blackbox: {enabled: true, address: "bb.ai.svc:9115"}}\n'
    spec = SPEC + SITES + 'probes:\n  - {name: health, path: /health}\n  - {name: there, url: "http://chat.eu.svc/health"}\n'
    _, found = compile_texts({"s.yaml": spec, "p.yaml": platform})
    assert told(found) == [("S357", 8)]


def test_an_expression_may_read_the_services_namespaces(compile_texts: Compile) -> None:
    custom = "alerts: {custom: [{name: Odd, expr: 'up{namespace=\"%s\"} == 0', summary: odd}]}\n"
    for namespace, expected in (("eu", []), ("ai", ["P410"])):
        _, found = compile_texts({"s.yaml": SPEC + SITES + custom % namespace, "p.yaml": PLATFORM})
        assert [code for code, _ in told(found)] == expected


def test_every_selector_names_the_namespaces_and_alerts_tell_which(compile_texts: Compile) -> None:
    tree = compiled(compile_texts, SITES)
    for rule in rules(tree):
        if rule.get("record") == "ai:service:info" or rule["expr"].startswith("vector("):
            continue
        assert 'namespace="ai"' not in rule["expr"]
        assert 'namespace=~"eu|us"' in rule["expr"] or 'namespace="eu"' in rule["expr"]
        if "alert" in rule:
            # Routes, silences and pages go by the service's own namespace; the series' says where it is bad.
            assert (rule["labels"]["namespace"], rule["labels"]["workload_namespace"]) == ("ai", "{{ $labels.namespace }}")
            assert '{{ or $labels.namespace "eu, us" }}' in rule["annotations"]["summary"]
        else:
            assert "namespace" not in rule["labels"]


def test_what_a_team_confined_to_one_namespace_stays_there(compile_texts: Compile) -> None:
    own = SITES + """metrics: {series: [{name: refusals_total, type: counter}]}
alerts:
  custom:
    - {name: Odd, expr: 'rate(refusals_total{namespace="eu"}[5m]) > 1', summary: odd}
    - {name: Even, expr: 'rate(refusals_total{namespace="eu",exported_namespace="us"}[5m]) > 1', summary: even}
"""
    tree = compiled(compile_texts, own)
    [missing] = [rule for rule in rules(tree) if '"metric", "refusals_total"' in rule["expr"]]
    assert 'absent_over_time(refusals_total{job="chat",namespace="eu"}[' in missing["expr"]
    assert 'refusals_total{job="chat",namespace="us"}' not in missing["expr"]


def test_texts_say_the_services_own_name_and_namespace(compile_texts: Compile) -> None:
    tree = compiled(compile_texts, "")
    [down] = [rule for rule in rules(tree) if rule.get("alert") == "ServiceDown"]
    # `$labels` of an annotation are those of the series: what the rule adds is not among them.
    assert down["annotations"]["summary"] == "chat in ai is down"
    assert "workload_namespace" not in down["labels"]


def test_prometheus_discovers_the_namespaces_and_their_series_say_which(compile_texts: Compile) -> None:
    [job] = read(compiled(compile_texts, SITES)["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"]
    assert job["kubernetes_sd_configs"][0]["namespaces"] == {"names": ["eu", "us"]}
    assert [step for step in job["relabel_configs"] if step.get("target_label") == "namespace"] == [
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"}]


def test_what_a_glob_cannot_express_is_dropped_first_of_all(compile_texts: Compile) -> None:
    keep = ["__meta_kubernetes_namespace"], "ai-[a-z0-9-]*", "keep"
    [job] = read(compiled(compile_texts, GLOB)["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"]
    assert "namespaces" not in job["kubernetes_sd_configs"][0]
    first = job["relabel_configs"][0]
    assert (first["source_labels"], first["regex"], first["action"]) == keep
    spec = read(compiled(compile_texts, GLOB, "prometheus: {flavor: operator}\n")["default/manifests/ai/chat/scrape-default.yaml"])["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    first = spec["podMetricsEndpoints"][0]["relabelings"][0]
    assert (first["sourceLabels"], first["regex"], first["action"]) == keep


def test_logs_are_those_of_the_namespaces(compile_texts: Compile) -> None:
    [one] = read(compiled(compile_texts, SITES, LOGS)["default/artifacts/ai/chat/filebeat.yaml"])
    assert one["paths"] == ["/var/log/containers/*_eu_*.log", "/var/log/containers/*_us_*.log"]
    assert all("(?:eu|us)_" in pattern for pattern in one["prospector"]["scanner"]["include_files"])
    assert "k8s" not in one["processors"][-1]["add_fields"]["fields"]


def test_logs_of_two_services_that_meet_are_an_error(compile_texts: Compile) -> None:
    other = SPEC.replace("namespace: ai,", "namespace: eu,")
    _, found = compile_texts({"a.yaml": SPEC + SITES, "b.yaml": other, "p.yaml": PLATFORM + LOGS})
    assert {code for code, _ in told(found)} == {"S322"}


def test_parts_carry_the_namespaces_and_are_held_to_them(compile_texts: Compile) -> None:
    part = json.loads(compiled(compile_texts, SITES)["default/artifacts/ai/chat/part.json"])
    assert part["namespaces"] == ["eu", "us"]
    assert "namespaces" not in json.loads(compiled(compile_texts, "")["default/artifacts/ai/chat/part.json"])


def test_traces_of_the_namespaces_are_the_services(compile_texts: Compile) -> None:
    collector = 'collector: {version: 0.159.0}\njaeger: {endpoint: "jaeger.ai.svc:4317"}\n'
    for said, expected in ((SITES, '== "eu" or'), (GLOB, '"^(?:ai-[a-z0-9-]*)$$"')):
        tree = compiled(compile_texts, said + "traces: {sampling: {baseline: 9%}}\n", collector)
        assert expected in tree["default/artifacts/platform/collector.yaml"].decode().replace("\\", "")


def compiled(compile_texts: Compile, more: str, platform: str = "") -> dict[str, bytes]:
    """What the service compiles to, without an error."""
    found: tuple[Any, list[Diagnostic]] = compile_texts({"s.yaml": SPEC + more, "p.yaml": PLATFORM + platform})
    assert told(found[1]) == []
    tree: dict[str, bytes] = found[0].tree
    return tree
