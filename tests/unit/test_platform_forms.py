"""What a platform asks for beyond one Prometheus and one Grafana."""

from __future__ import annotations

import json

import pytest

from conftest import Compile
from obsc import conventions
from obsc.ir import Identity
from samples import PLATFORM, SPEC, read, rules, told

BASE = "default/artifacts/platform/prometheus.yml"


def test_every_aggregation_keeps_the_platforms_labels(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "prometheus: {groupLabels: [cluster]}\n"})
    assert told(found) == []
    exprs = {rule.get("alert") or rule["record"]: rule["expr"] for rule in rules(compiled.tree)}
    assert exprs["ai:requests:rate"].startswith("sum by (namespace, cluster) (rate(")
    assert "and on (namespace, cluster) " in exprs["SLOBurnFast"]
    assert not any("by (namespace)" in expr for expr in exprs.values())
    # Without any target nobody knows of clusters: a start anywhere still excuses.
    assert "unless on (namespace) " in exprs["ServiceDown"]
    page = json.loads(compiled.tree["default/artifacts/ai/chat/dashboard.json"])
    panels = [panel for row in page["panels"] for panel in (row, *row.get("panels", [])) if panel.get("targets")]
    assert all("{{cluster}}" in target["legendFormat"] for panel in panels if panel["type"] == "timeseries" for target in panel["targets"])


def test_samples_are_sent_on(compile_texts: Compile) -> None:
    said = """\
prometheus:
  remoteWrite:
    - url: https://mimir.example.com/push
      authorization: {credentials: {name: mimir, key: token}}
      tlsConfig: {ca: {name: mimir, key: ca.crt}, serverName: mimir}
"""
    compiled, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + said})
    assert told(found) == []
    assert read(compiled.tree[BASE])["remote_write"] == [{
        "name": "remote-0", "url": "https://mimir.example.com/push", "send_exemplars": True,
        "authorization": {"type": "Bearer", "credentials_file": "/etc/prometheus/secrets/mimir/token"},
        "tls_config": {"ca_file": "/etc/prometheus/secrets/mimir/ca.crt", "server_name": "mimir", "insecure_skip_verify": False}}]


def test_a_remote_store_without_encryption_is_refused(compile_texts: Compile) -> None:
    _, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "prometheus: {remoteWrite: [{url: 'http://mimir/push'}]}\n"})
    assert told(found) == [("P409", 7)]


def test_replicas_are_told_apart_but_do_not_repeat_alerts(compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "prometheus: {replicas: 2, externalLabels: {cluster: a}}\n"})
    base = read(compiled.tree[BASE])
    assert base["global"]["external_labels"] == {"prometheus_replica": "${POD_NAME}", "cluster": "a"}
    assert base["alerting"]["alert_relabel_configs"] == [{"regex": "prometheus_replica", "action": "labeldrop"}]


def test_shards_divide_services_by_their_identity(compile_texts: Compile) -> None:
    specs = {f"{number}.yaml": SPEC.replace("name: chat,", f"name: chat-{number},") for number in range(9)}
    platform = {"p.yaml": PLATFORM + "prometheus: {shards: 3}\n"}
    nine, _ = compile_texts({**specs, **platform})
    eight, _ = compile_texts({**dict(list(specs.items())[:8]), **platform})
    folder = "default/manifests/platform/prometheus-rules-"
    objects = {path: read(raw) for path, raw in nine.tree.items() if path.startswith(folder)}
    assert len(objects) == 12
    for number in range(9):
        where = conventions.shard(Identity("default", "ai", f"chat-{number}"), 12)
        assert f"ai.chat-{number}.yaml" in objects[f"{folder}{where}.yaml"]["data"]
    moved = [path for path in objects if nine.tree[path] != eight.tree[path]]
    assert moved == [f"{folder}{conventions.shard(Identity('default', 'ai', 'chat-8'), 12)}.yaml"]


def test_shards_of_the_operator_are_selected_by_a_label(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "prometheus: {flavor: operator, shards: 3, replicas: 2}\n"})
    where = str(conventions.shard(Identity("default", "ai", "chat"), 3))
    for file in ("prometheusrule.yaml", "scrape-default.yaml"):
        assert read(compiled.tree[f"default/manifests/ai/chat/{file}"])["metadata"]["labels"]["obsc.dev/shard"] == where
    assert [one.path for one in found if one.code == "T501"] == ["prometheus.replicas"]


def test_the_grafana_operator_gets_objects_of_its_own(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + "grafana: {delivery: operator}\n"})
    assert told(found) == []
    board = read(compiled.tree["default/manifests/ai/chat/dashboard.yaml"])
    assert board["kind"] == "GrafanaDashboard"
    assert json.loads(board["spec"]["json"]) == json.loads(compiled.tree["default/artifacts/ai/chat/dashboard.json"])
    assert board["spec"]["uid"] == json.loads(board["spec"]["json"])["uid"]
    assert read(compiled.tree["default/manifests/platform/grafana-fleet.yaml"])["kind"] == "GrafanaDashboard"
    assert not [path for path in compiled.tree if "grafana-dashboards-" in path]


@pytest.mark.parametrize(("requires", "fine"), [(">=0.1", True), ("0.1", True), (">=0.2", False), ("<0.1", False)])
def test_another_release_is_one_finding(requires: str, fine: bool, compile_texts: Compile) -> None:  # noqa: FBT001
    compiled, found = compile_texts({"a.yaml": SPEC, "p.yaml": PLATFORM + f"requires: '{requires}'\n"})
    assert told(found) == ([] if fine else [("R215", 7)])
    assert bool([path for path in compiled.tree if "/ai/chat/" in path]) is fine
