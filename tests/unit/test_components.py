"""Services of several parts: what a pool takes over, where a signal is read, and how the parts are told apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from conftest import Compile
from obsc.diagnostics import Severity
from samples import PLATFORM, SPEC, read, rules

ROUTER = """\
  - name: router
    role: gateway
    team: edge
    runtime: {name: custom}
    metrics:
      endpoints: [{port: 8001}]
      series: [{name: router_requests_total, type: counter, labels: {status: [ok, error]}, signal: availability}]
"""


def jobs(tree: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    found = read(tree["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"]
    return {job["job_name"]: {step["target_label"]: step["replacement"] for step in job["relabel_configs"]
                              if set(step) == {"target_label", "replacement"}} for job in found}


def test_each_component_has_a_job_and_labels_of_its_own(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": SPEC + "components:\n  - name: long\n" + ROUTER})
    assert [one for one in found if one.severity is Severity.ERROR] == []
    assert jobs(compiled.tree) == {
        "ai/chat/default": {"job": "chat", "component": "main", "namespace": "ai", "service": "chat"},
        "ai/chat/long/default": {"job": "chat-long", "component": "long", "namespace": "ai", "service": "chat"},
        "ai/chat/router/default": {"job": "chat-router", "component": "router", "namespace": "ai", "service": "chat"}}
    down = {rule["labels"]["component"]: rule for rule in rules(compiled.tree) if rule.get("alert") == "ServiceDown"}
    assert list(down) == ["main", "long", "router"]
    assert 'up{component="router",job="chat-router",namespace="ai"}' in down["router"]["expr"]
    assert [down[name]["labels"]["team"] for name in down] == ["ml", "ml", "edge"]


def test_a_pool_runs_what_the_first_component_runs_but_in_an_object_of_its_own(compile_texts: Compile) -> None:
    spec = SPEC + """\
workload: {kind: StatefulSet, name: engine, selector: {app: engine}, container: vllm}
components:
  - name: long
    runtime: {options: {enable-lora: true}}
"""
    compiled, found = compile_texts({"a.yaml": spec})
    assert [one for one in found if one.severity is Severity.ERROR] == []
    exprs = [rule["expr"] for rule in rules(compiled.tree) if rule["labels"].get("component") == "long"]
    assert any('statefulset="chat-long"' in expr for expr in exprs)
    assert any('container="vllm"' in expr for expr in exprs)
    assert any("vllm:time_to_first_token_seconds" in expr for expr in exprs)
    assert not any('statefulset="engine"' in expr for expr in exprs)


def test_a_component_with_a_runtime_of_its_own_starts_from_the_catalog(compile_texts: Compile) -> None:
    spec = SPEC + "metrics: {endpoints: [{port: 9999}]}\nlogs: {enabled: false}\ncomponents:\n" + ROUTER
    compiled, _ = compile_texts({"a.yaml": spec})
    assert b"9999" not in compiled.tree["default/artifacts/ai/chat/scrape.yaml"].partition(b"ai/chat/router")[2]
    assert b"chat-router" in compiled.tree["default/artifacts/ai/chat/filebeat.yaml"]


@pytest.mark.parametrize(("roles", "components", "expected"), [
    (("server", []), ROUTER, {"HighErrorRate": {"router"}, "SlowFirstToken": {"main"}}),
    (("server", []), "  - {name: long}\n", {"HighErrorRate": {"main", "long"}, "SlowFirstToken": {"main", "long"}}),
    (("decode", []), "  - {name: fill, role: prefill}\n", {"HighErrorRate": {"main"}, "SlowFirstToken": {"fill"}}),
    (("server", []), "  - {name: cache, role: dependency}\n", {"HighErrorRate": {"main"}, "SlowFirstToken": {"main"}}),
])
def test_the_role_decides_where_a_signal_is_read(
        roles: tuple[str, list[str]], components: str, expected: Mapping[str, set[str]], compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"a.yaml": SPEC + f"objectives: []\nrole: {roles[0]}\ncomponents:\n" + components})
    for name, where in expected.items():
        assert {rule["labels"]["component"] for rule in rules(compiled.tree) if rule.get("alert") == name} == where, name


def test_a_service_of_one_part_has_no_component_label(compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"a.yaml": SPEC})
    assert not any("component" in rule["labels"] for rule in rules(compiled.tree))


def test_a_mistake_in_a_component_is_told_at_its_line_and_path(compile_texts: Compile) -> None:
    spec = SPEC + "components:\n  - name: long\n    workload: {replicas: {min: 4, max: 2}}\n    alerts: {rules: {ServiceUp: {enabled: true}}}\n"
    _, found = compile_texts({"a.yaml": spec})
    assert [(one.code, one.path, one.place.line) for one in found if one.severity is Severity.ERROR] == [
        ("S311", "components.long.workload.replicas.max", 8), ("S301", "components.long.alerts.rules.ServiceUp", 9)]


def test_a_mistake_that_a_pool_takes_over_is_told_once(compile_texts: Compile) -> None:
    spec = SPEC.replace("name: vllm", "name: vlm") + "components: [{name: long}]\n"
    _, found = compile_texts({"a.yaml": spec})
    assert [one.code for one in found if one.severity is Severity.ERROR] == ["R205"]


def test_the_first_component_keeps_its_name_to_itself(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + "components: [{name: main}]\n"})
    assert [one.code for one in found if one.severity is Severity.ERROR] == ["R211"]


def test_an_environment_can_change_and_remove_a_component(compile_texts: Compile) -> None:
    platform = PLATFORM.replace("{name: default}", "{name: p}") + "environments: {default: {}, small: {}}\n"
    spec = SPEC + "components: [{name: long}]\nenvironments: {default: {}, small: {components: [{name: long, enabled: false}]}}\n"
    compiled, _ = compile_texts({"a.yaml": spec, "p.yaml": platform})
    assert b"chat-long" in compiled.tree["default/artifacts/ai/chat/scrape.yaml"]
    assert b"component" not in compiled.tree["small/artifacts/ai/chat/scrape.yaml"]


def test_panels_of_further_components_have_keys_of_their_own(compile_texts: Compile) -> None:
    alone, _ = compile_texts({"a.yaml": SPEC + "components: [{name: long}]\n"})
    both, _ = compile_texts({"a.yaml": SPEC + "components: [{name: long}, {name: cache, role: dependency, runtime: {name: custom}}]\n"})
    ids = [{panel["id"]: panel["title"] for panel in _panels(one.tree)} for one in (alone, both)]
    assert len(ids[0]) == len(_panels(alone.tree))
    assert ids[0].items() <= ids[1].items()


def _panels(tree: Mapping[str, bytes]) -> list[dict[str, Any]]:
    rows = read(tree["default/artifacts/ai/chat/dashboard.json"])["panels"]
    return [panel for row in rows for panel in (row, *row.get("panels", []))]


def test_a_page_has_every_choice_that_its_panels_ask_for(compile_texts: Compile) -> None:
    """The engine has no label for the model, the gateway before it has one."""
    spec = SPEC.replace('name: vllm, version: "0.15"', "name: llamacpp") + "components: [{name: epp, role: gateway, runtime: {name: llm-d-epp}}]\n"
    compiled, _ = compile_texts({"a.yaml": spec, "p.yaml": PLATFORM})
    page = json.loads(compiled.tree["default/artifacts/ai/chat/dashboard.json"])
    names = {one["name"] for one in page["templating"]["list"]}
    assert "$model" in json.dumps(page["panels"])
    assert {"namespace", "model"} <= names
