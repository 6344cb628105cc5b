"""Probes: who makes them, whom they ask, what watches them."""

from __future__ import annotations

import pytest

from conftest import Compile
from samples import PLATFORM, SPEC, read, rules, told

PROBING = PLATFORM + """\
prometheus: {flavor: FLAVOR}
sources: {blackbox: {enabled: true, address: "blackbox.monitoring.svc:9115", modules: [http_2xx, completion]}}
policy: {targets: ["*.svc", "chat.example.com"]}
"""


def test_a_probe_is_scraped_through_the_exporter(compile_texts: Compile) -> None:
    spec = SPEC + "probes: [{name: completion, path: /v1/models, module: completion, interval: 1m}]\n"
    compiled, found = compile_texts({"a.yaml": spec, "p.yaml": PROBING.replace("FLAVOR", "config")})
    assert told(found) == []
    [job] = [one for one in read(compiled.tree["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"] if "@" in one["job_name"]]
    assert (job["job_name"], job["params"], job["static_configs"]) == (
        "ai/chat/@completion", {"module": ["completion"]}, [{"targets": ["http://chat.ai.svc:8000/v1/models"]}])
    steps = job["relabel_configs"]
    assert steps[:2] == [{"source_labels": ["__address__"], "target_label": "__param_target"},
                         {"source_labels": ["__param_target"], "target_label": "instance"}]
    assert steps[-1] == {"target_label": "__address__", "replacement": "blackbox.monitoring.svc:9115"}
    made = rules(compiled.tree)
    [alert] = [rule for rule in made if rule.get("alert") == "ProbeFailing"]
    assert alert["expr"] == 'max by (namespace, probe) (probe_success{job="chat-probes",namespace="ai"}) == 0'
    assert alert["labels"]["severity"] == "critical"
    assert [rule for rule in made if '"metric", "probe_success"' in rule["expr"]]


def test_the_operator_gets_a_probe_of_its_own_kind(compile_texts: Compile) -> None:
    spec = SPEC + "probes: [{name: edge, url: 'https://chat.example.com/health'}]\n"
    compiled, found = compile_texts({"a.yaml": spec, "p.yaml": PROBING.replace("FLAVOR", "operator")})
    assert told(found) == []
    probe = read(compiled.tree["default/manifests/ai/chat/probe-edge.yaml"])
    assert (probe["kind"], probe["metadata"]["name"]) == ("Probe", "chat.edge")
    assert probe["spec"]["prober"] == {"url": "blackbox.monitoring.svc:9115", "scheme": "http", "path": "/probe"}
    assert probe["spec"]["targets"]["staticConfig"]["static"] == ["https://chat.example.com/health"]


@pytest.mark.parametrize(("probe", "code"), [
    ("{name: a, module: http_3xx}", "S357"), ("{name: a, port: http}", "S357"), ("{name: a, port: 80, url: 'https://chat.example.com/'}", "S357"),
    ("{name: a, url: 'https://evil.example.org/'}", "P404"), ("{name: a, url: 'http://169.254.169.254/latest'}", "P404")])
def test_what_cannot_be_asked_is_refused(probe: str, code: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + f"probes: [{probe}]\n", "p.yaml": PROBING.replace("FLAVOR", "config")})
    assert told(found) == [(code, 6)]


def test_without_an_exporter_a_probe_is_an_error(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC + "probes: [{name: a}]\n"})
    assert told(found) == [("S357", 6)]


def test_a_component_has_probes_of_its_own(compile_texts: Compile) -> None:
    spec = SPEC + "probes: [{name: a}]\ncomponents: [{name: long, probes: [{name: a}]}]\n"
    compiled, found = compile_texts({"a.yaml": spec, "p.yaml": PROBING.replace("FLAVOR", "operator")})
    assert told(found) == []
    assert {path.rpartition("/")[2] for path in compiled.tree if "/probe-" in path} == {"probe-a.yaml", "probe-long-a.yaml"}
    assert read(compiled.tree["default/manifests/ai/chat/probe-long-a.yaml"])["spec"]["targets"]["staticConfig"]["static"] == \
        ["http://chat-long.ai.svc:8000/"]
