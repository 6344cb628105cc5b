"""The committed outputs in the hands of those who will read them: nothing is accepted here that they would refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance import checks, tools
from conformance.cluster import Cluster
from conformance.records import Consumers
from conformance.runners import Server, eventually

Tool = Callable[[str], Path]
OUT = Path(__file__).parents[2] / "out"
ENVIRONMENTS = sorted(path.name for path in OUT.iterdir() if path.is_dir())
TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"
MOUNTS = ("/etc/prometheus", TOKEN)


def objects(environment: str, kind: str) -> list[dict[str, Any]]:
    """The objects of a kind below an environment's manifests."""
    found = (one for path in sorted((OUT / environment / "manifests").rglob("*.yaml")) for one in checks.documents(path.read_text()))
    return [one for one in found if one["kind"] == kind]


def config_map(environment: str, name: str) -> Mapping[str, str]:
    """The data of a ConfigMap."""
    return next(one.get("data") or {} for one in objects(environment, "ConfigMap") if one["metadata"]["name"] == name)


def shards(environment: str, base: str) -> dict[str, str]:
    """The files of all shards, as a projected volume shows them."""
    names = [one["metadata"]["name"] for one in objects(environment, "ConfigMap")
             if one["metadata"]["name"].startswith(f"{base}-")]
    files = [(key, text) for name in names for key, text in config_map(environment, name).items()]
    assert len(files) == len(dict(files)), "two shards have a file of one name"
    return dict(files)


def scraped(server: Server) -> set[str]:
    """Jobs that have a target."""
    return {one["scrapePool"] for one in server.get("/api/v1/targets")["data"]["activeTargets"]}


def test_both_flavors_are_shipped() -> None:
    assert ENVIRONMENTS == ["default", "prod"]


def test_promtool_takes_every_rule_file(tool: Tool, consumers: Consumers) -> None:
    files = sorted(OUT.glob("*/artifacts/*/*/rules.yaml"))
    assert len(files) >= 6
    checks.promtool_check_rules(tool("promtool"), files).require()
    consumers.record("promtool check rules", tools.version("promtool"), len(files))


def test_prometheus_finds_every_file_that_its_configuration_names(tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    scrape, rules = shards("default", "prometheus-scrape"), shards("default", "prometheus-rules")
    files = {"/etc/prometheus/prometheus.yml": config_map("default", "prometheus-config")["prometheus.yml"],
             f"{TOKEN}/token": "token", f"{TOKEN}/ca.crt": "certificate",
             **{f"/etc/prometheus/scrape/{name}": text for name, text in scrape.items()},
             **{f"/etc/prometheus/rules/{name}": text for name, text in rules.items()}}
    assert len(scrape) == len(rules) == 3
    checks.lay_out(tmp_path, files, MOUNTS)
    checks.promtool_check_config(tool("promtool"), tmp_path / "etc/prometheus/prometheus.yml").require()
    consumers.record("promtool check config", tools.version("promtool"), 1 + len(scrape) + len(rules))


def test_prometheus_runs_on_the_configuration(run_prometheus: Callable[..., Any], consumers: Consumers, tmp_path: Path) -> None:
    scrape, rules = shards("default", "prometheus-scrape"), shards("default", "prometheus-rules")
    files = {"/etc/prometheus/prometheus.yml": config_map("default", "prometheus-config")["prometheus.yml"],
             f"{TOKEN}/token": "token", f"{TOKEN}/ca.crt": "certificate",
             **{f"/etc/prometheus/scrape/{name}": text for name, text in scrape.items() if "ai-model-server" in name},
             **{f"/etc/prometheus/rules/{name}": text for name, text in rules.items()}}
    checks.lay_out(tmp_path, files, MOUNTS)
    # Discovery of pods and nodes wants a cluster; the classic service's static jobs do not.
    base = tmp_path / "etc/prometheus/prometheus.yml"
    content = checks.documents(base.read_text())[0]
    content["scrape_configs"] = [one for one in content["scrape_configs"] if "kubernetes_sd_configs" not in one]
    # JSON is YAML, and keeps what it is given.
    base.write_text(json.dumps(content))
    with run_prometheus(tmp_path / "etc/prometheus") as server:
        wanted = {"ai-services/ai-model-server/default", "ai-services/ai-model-server/gpu"}
        eventually("the classic jobs", lambda: wanted <= scraped(server), 20)
        groups = server.get("/api/v1/rules")["data"]["groups"]
    assert sum(len(group["rules"]) for group in groups) == sum(text.count("- alert:") + text.count("- record:") for text in rules.values())
    consumers.record("prometheus", tools.version("prometheus"), len(files) - 2)


def test_amtool_routes_every_severity_of_every_team(tool: Tool, consumers: Consumers) -> None:
    config = OUT / "default/artifacts/platform/alertmanager.yml"
    checks.amtool_check_config(tool("amtool"), config).require()
    for severity in ("critical", "warning", "info"):
        for team in ("ml-platform", "conversational-ai", "vision"):
            reached = checks.amtool_route(tool("amtool"), config, {"team": team, "severity": severity, "service": "x"})
            expected = ["default"] if severity != "info" or team != "ml-platform" else reached
            assert reached == expected, (team, severity)
    consumers.record("amtool check-config", tools.version("amtool"), 1)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_api_server_takes_an_environment_and_finds_nothing_to_change(
        environment: str, tool: Tool, cluster: Cluster, consumers: Consumers) -> None:
    built = checks.kustomize_build(tool("kubectl"), OUT / environment / "manifests")
    written = [one for path in (OUT / environment / "manifests").rglob("*.yaml") for one in checks.documents(path.read_text())
               if one["kind"] != "Kustomization"]
    assert len(checks.documents(built)) == len(written), "kustomize lost an object"
    checks.apply(cluster, built).require()
    consumers.record("kube-apiserver", tools.version("kube-apiserver"), len(written))


def test_the_operator_scrapes_exactly_the_expected_jobs_and_refuses_no_rule(
        tool: Tool, cluster: Cluster, consumers: Consumers) -> None:
    checks.apply(cluster, checks.kustomize_build(tool("kubectl"), OUT / "prod/manifests")).require()
    config = checks.operator_scrape_config(cluster, "observability", "shipped")
    ours = {"ai-prod", "ai-services"}
    jobs = {one["job_name"] for one in config["scrape_configs"] if one["job_name"].split("/")[1] in ours}
    assert jobs == {"podMonitor/ai-prod/support-chat/0", "podMonitor/ai-prod/vision/0",
                    "scrapeConfig/ai-services/ai-model-server", "scrapeConfig/ai-services/ai-model-server.gpu"}
    assert [one for one in checks.operator_rejections(cluster) if one.namespace in ours] == []
    consumers.record("prometheus-operator", tools.version("prometheus-operator"), len(jobs) + len(objects("prod", "PrometheusRule")))


def test_the_operator_gives_monitored_series_the_labels_that_rules_select(tool: Tool, cluster: Cluster) -> None:
    checks.apply(cluster, checks.kustomize_build(tool("kubectl"), OUT / "prod/manifests")).require()
    config = checks.operator_scrape_config(cluster, "observability", "labels")
    for job in config["scrape_configs"]:
        if job["job_name"].split("/")[1] not in {"ai-prod", "ai-services"}:
            continue
        last = {step["target_label"]: step.get("replacement") for step in job["relabel_configs"]
                if step.get("action", "replace") == "replace" and "target_label" in step and not step.get("source_labels")}
        assert last["namespace"] in {"ai-prod", "ai-services"}
        assert last["job"] == {"ai-model-server.gpu": "gpu-metrics"}.get(job["job_name"].split("/")[2], last["service"])


def test_the_operator_routes_every_service(tool: Tool, cluster: Cluster, consumers: Consumers) -> None:
    checks.apply(cluster, checks.kustomize_build(tool("kubectl"), OUT / "prod/manifests")).require()
    namespaces = {one["metadata"]["namespace"] for one in objects("prod", "AlertmanagerConfig")}
    for namespace in namespaces:
        for name in ("pagerduty", "slack-webhook"):
            content = {"routing-key": "a2V5", "url": "aHR0cHM6Ly9ob29rcy5leGFtcGxlLmNvbS94"}
            cluster.apply_objects([{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace},
                                    "data": content}])
    config = checks.operator_alertmanager_config(cluster, "observability", "shipped")
    routes = [route for route in config["route"]["routes"] if any("service=" in one for one in route.get("matchers", []))]
    assert len(routes) == len(objects("prod", "AlertmanagerConfig")) == 3
    assert all(any('namespace="' in one for one in route["matchers"]) for route in routes)
    consumers.record("prometheus-operator", tools.version("prometheus-operator"), len(routes))
