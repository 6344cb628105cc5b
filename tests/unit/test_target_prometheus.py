"""Scrape jobs, rules and routes for both flavors, from IR values."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from conftest import Compile
from obsc import privacy, promql
from obsc.catalog import BUILT_IN
from obsc.diagnostics import Severity as FindingSeverity
from obsc.diagnostics import Sink
from obsc.emit import to_json
from obsc.ir import (
    AlertRule,
    Dashboard,
    Discovery,
    Field,
    Identity,
    Link,
    Origin,
    RecordingRule,
    Requirement,
    Route,
    ScrapeJob,
    SecretRef,
    Service,
    Severity,
    StaticTargets,
    Tls,
    TracePolicy,
    Unit,
)
from obsc.part import from_text, part_of, to_data
from obsc.spec.platform import AIPlatform
from obsc.targets import alerting, operator, prometheus

HERE = Origin("test")
JOB = ScrapeJob("ai/chat/default", "chat", "default", Discovery.PODS, ("ai",), (Requirement("app", ("chat",)),), 8000, "/metrics", "http", 30.0, 10.0,
                (), (("namespace", "ai"), ("service", "chat")), None, None, HERE)
ALERT = AlertRule("ServiceDown", promql.select("up", promql.equal("job", "chat")), 120, 300, Severity.CRITICAL, "up", "availability",
                  (Field(label="service"), ' is down {{ query "up" }}'), ("value ", Field(unit=Unit.RATIO), ", ", Field(unit=Unit.SECONDS)),
                  "All.", ("First.", "Second."), (("namespace", "ai"), ("service", "chat"), ("team", "chat")), "up", HERE, "chat")


def service(*jobs: ScrapeJob, **changes: Any) -> Service:  # noqa: ANN401
    board = Dashboard("chat-uid", "Chat", "chat", "", (), (), (), (), HERE)
    base = Service(Identity("prod", "ai", "chat"), "chat", "", "custom", (("tier", "gold"),), (), ALERT.labels, jobs,
                   (RecordingRule("ai:requests:rate", promql.Number(1), ALERT.labels, HERE),), (ALERT,), board, (), None,
                   (Route("chat", Severity.CRITICAL, ("pager", "chat")), Route("chat", Severity.INFO, ())))
    return replace(base, **changes)


def platform(**blocks: Any) -> AIPlatform:  # noqa: ANN401
    return AIPlatform.model_validate({"apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"}, **blocks})


OPERATOR = {"prometheus": {"flavor": "operator", "labels": {"release": "kps"}}}
RECEIVERS = {"receivers": ({"name": "pager", "pagerdutyConfigs": ({"routingKey": {"name": "pd", "key": "k"}},)},
                           {"name": "chat", "slackConfigs": ({"apiURL": {"name": "slack", "key": "url"}, "channel": "#x"},)},
                           {"name": "unused", "webhookConfigs": ({"url": "https://x.example"},)})}


def scraped(job: ScrapeJob, **blocks: Any) -> dict[str, Any]:  # noqa: ANN401
    found = [one for one in prometheus.compile_(service(job), platform(**blocks)) if one.path.endswith("scrape.yaml")]
    data: Any = found[0].data
    only: dict[str, Any] = data["scrape_configs"][0]
    return only


def labels(job: dict[str, Any]) -> dict[str, str]:
    return {step["target_label"]: step["replacement"] for step in job["relabel_configs"] if "source_labels" not in step}


@pytest.mark.parametrize("how", [Discovery.PODS, Discovery.SERVICE, Discovery.STATIC])
def test_every_target_gets_the_labels_that_rules_select(how: Discovery) -> None:
    job = replace(JOB, discovery=how, targets=(StaticTargets(("a:1",)),) if how is Discovery.STATIC else ())
    assert labels(scraped(job)) == {"job": "chat", "namespace": "ai", "service": "chat"}


def test_a_number_and_a_name_of_a_port_pick_the_address() -> None:
    by_number = scraped(JOB)["relabel_configs"]
    assert {"source_labels": ["__meta_kubernetes_pod_ip"], "regex": "(.+)", "target_label": "__address__", "replacement": "$1:8000"} in by_number
    by_name = scraped(replace(JOB, port="http"))["relabel_configs"]
    assert {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": "http", "action": "keep"} in by_name


def test_discovery_by_service_keeps_only_slices_of_that_service() -> None:
    job = scraped(replace(JOB, discovery=Discovery.SERVICE, port="http"))
    assert job["kubernetes_sd_configs"][0]["role"] == "endpointslice"
    assert {"source_labels": ["__meta_kubernetes_service_label_app"], "regex": "chat", "action": "keep"} in job["relabel_configs"]


def test_secrets_are_files_and_never_values() -> None:
    tls = Tls(server_name="x", ca=SecretRef("ca", "ca.crt"), cert=SecretRef("me", "tls.crt"), key=SecretRef("me", "tls.key"))
    job = scraped(replace(JOB, scheme="https", bearer=SecretRef("token", "t"), tls=tls))
    assert job["authorization"] == {"type": "Bearer", "credentials_file": "/etc/prometheus/secrets/token/t"}
    assert job["tls_config"] == {"ca_file": "/etc/prometheus/secrets/ca/ca.crt", "cert_file": "/etc/prometheus/secrets/me/tls.crt",
                                 "key_file": "/etc/prometheus/secrets/me/tls.key", "server_name": "x", "insecure_skip_verify": False}


def test_only_prometheus_3_knows_the_fallback_protocol() -> None:
    assert scraped(JOB)["fallback_scrape_protocol"] == "PrometheusText0.0.4"
    assert "fallback_scrape_protocol" not in scraped(JOB, prometheus={"version": "2.53.0"})


def test_a_dollar_in_an_external_label_is_a_dollar() -> None:
    found = prometheus.link("prod", (), platform(prometheus={"externalLabels": {"cluster": "a$HOME"}}), BUILT_IN)
    text = next(one.data for one in found if one.path.endswith("artifacts/platform/prometheus.yml"))
    assert "a$$HOME" in str(text)


def test_an_alert_has_its_labels_and_its_texts_are_no_templates_of_a_tenant() -> None:
    data: Any = prometheus.compile_(service(), platform())[0].data
    recorded, alerts = data["groups"]
    assert recorded["rules"][0]["record"] == "ai:requests:rate"
    rule = alerts["rules"][0]
    assert (rule["for"], rule["keep_firing_for"]) == ("2m", "5m")
    assert rule["labels"] == {"class": "availability", "namespace": "ai", "service": "chat", "severity": "critical", "signal": "up", "team": "chat"}
    assert rule["annotations"]["summary"] == 'chat is down {{ "{{" }} query "up" }}'
    assert rule["annotations"]["description"] == "value {{ $value | humanizePercentage }}, {{ $value | humanizeDuration }}"
    assert rule["annotations"]["first_checks"] == "1. First.\n2. Second."
    assert "dashboard_url" not in rule["annotations"]


def test_links_of_the_platform_and_of_the_service_are_in_alerts() -> None:
    where = platform(metadata={"name": "prod", "links": {"grafana": "https://g.example/", "runbooks": "https://r.example"}})
    data: Any = prometheus.compile_(service(links=(Link("runbooks", "https://own.example"),)), where)[0].data
    notes = data["groups"][1]["rules"][0]["annotations"]
    assert notes["runbook_url"] == "https://own.example/servicedown"
    assert notes["dashboard_url"] == "https://g.example/d/chat-uid?var-namespace=ai"


@pytest.mark.parametrize(("how", "kind"), [(Discovery.PODS, "PodMonitor"), (Discovery.SERVICE, "ServiceMonitor"), (Discovery.STATIC, "ScrapeConfig")])
def test_the_operator_gets_the_object_of_each_discovery(how: Discovery, kind: str) -> None:
    job = replace(JOB, discovery=how, targets=(StaticTargets(("a:1",)),))
    objects: list[Any] = [one.data for one in operator.compile_(service(job), platform(**OPERATOR))]
    found = {one["kind"]: one for one in objects}
    assert set(found) == {"PrometheusRule", kind}
    for one in found.values():
        assert one["metadata"]["namespace"] == "ai"
        assert one["metadata"]["labels"]["release"] == "kps"
        assert one["metadata"]["labels"]["tier"] == "gold"
    spec = found[kind]["spec"]
    steps = spec.get("relabelings") or (spec.get("podMetricsEndpoints") or spec.get("endpoints"))[0]["relabelings"]
    assert {step["targetLabel"]: step["replacement"] for step in steps if "sourceLabels" not in step} == {
        "job": "chat", "namespace": "ai", "service": "chat"}


def test_an_alertmanagerconfig_has_only_the_receivers_that_it_uses_and_goes_on_to_each() -> None:
    data: Any = alerting.compile_(service(), platform(**OPERATOR, alertmanager=RECEIVERS))[0].data
    assert [one["name"] for one in data["spec"]["receivers"]] == ["obsc/silent", "pager", "chat"]
    routes = [(one["receiver"], one["continue"]) for one in data["spec"]["route"]["routes"]]
    assert routes == [("pager", True), ("chat", False), ("obsc/silent", False)]


def test_another_matcher_strategy_names_the_namespace_itself() -> None:
    said = {**RECEIVERS, "matcherStrategy": "None"}
    data: Any = alerting.compile_(service(), platform(**OPERATOR, alertmanager=said))[0].data
    assert {one["name"] for one in data["spec"]["route"]["matchers"]} == {"service", "namespace"}


def matches(matcher: Any, labels: dict[str, str]) -> bool:  # noqa: ANN401
    """Whether a matcher of either form takes an alert; a missing label is an empty one."""
    if isinstance(matcher, str):
        found = re.fullmatch(r'(\w+)(=~|!~|!=|=)"(.*)"', matcher)
        assert found
        matcher = dict(zip(("name", "matchType", "value"), found.groups(), strict=True))
    value, wanted = labels.get(matcher["name"], ""), matcher["value"]
    same = bool(re.fullmatch(wanted, value)) if "~" in matcher["matchType"] else value == wanted
    return same != matcher["matchType"].startswith("!")


def silenced(rules: list[Any], source: dict[str, str], target: dict[str, str]) -> bool:
    """Whether one alert silences another, as Alertmanager decides it: what both lack counts as equal."""
    return any(all(matches(one, source) for one in rule.get("source_matchers", rule.get("sourceMatch")))
               and all(matches(one, target) for one in rule.get("target_matchers", rule.get("targetMatch")))
               and all(source.get(name, "") == target.get(name, "") for name in rule["equal"]) for rule in rules)


def inhibitions(flavor: str) -> list[Any]:
    if flavor == "config":
        found: list[Any] = YAML(typ="safe").load(str(alerting.link("prod", (), platform(alertmanager=RECEIVERS), BUILT_IN)[1].data))["inhibit_rules"]
        return found
    data: Any = alerting.compile_(service(), platform(**OPERATOR, alertmanager=RECEIVERS))[0].data
    return list(data["spec"]["inhibitRules"])


@pytest.mark.parametrize("flavor", ["config", "operator"])
def test_an_alert_silences_what_follows_from_it_and_nothing_of_anybody_else(flavor: str) -> None:
    rules = inhibitions(flavor)
    mine = {"namespace": "ai", "service": "chat", "signal": "errors"}
    critical, warning, info = ({**mine, "alertname": severity, "severity": severity} for severity in ("critical", "warning", "info"))
    down = {**critical, "alertname": "ServiceDown", "signal": "up"}
    assert silenced(rules, critical, warning)
    assert silenced(rules, critical, info)
    assert silenced(rules, warning, info)
    assert silenced(rules, down, {**critical, "signal": "requestDuration"})
    assert not silenced(rules, warning, critical)
    assert not silenced(rules, critical, {**warning, "signal": "requestDuration"})
    assert not silenced(rules, down, down)
    for other in ({"cluster": "b"}, {"namespace": "b"}, {"service": "b"}):
        assert not silenced(rules, {**critical, "cluster": "a"}, {**warning, "cluster": "a", **other})
        assert not silenced(rules, {**down, "cluster": "a"}, {**warning, "cluster": "a", **other})
    # A service in several namespaces: an outage of one says nothing of another.
    assert not silenced(rules, {**down, "workload_namespace": "eu"}, {**warning, "workload_namespace": "us"})
    assert silenced(rules, {**down, "workload_namespace": "eu"}, {**warning, "workload_namespace": "eu"})
    # Alerts of other people's rules have neither a service nor a signal of ours.
    for labels in ({}, {"namespace": "ai"}, {"namespace": "ai", "service": "chat"}):
        foreign = [{**labels, "alertname": "KubeX", "severity": severity} for severity in ("critical", "warning")]
        assert not silenced(rules, foreign[0], foreign[1])
        assert not silenced(rules, {**foreign[0], "alertname": "ServiceDown"}, foreign[1]) or "service" in labels


def test_an_alert_of_no_known_team_still_reaches_the_receivers_of_its_severity() -> None:
    said = {**RECEIVERS, "routing": {"critical": ("pager", "chat"), "warning": ("chat",)}}
    text = str(alerting.link("prod", (part_of(service(), {}),), platform(alertmanager=said), BUILT_IN)[1].data)
    route = YAML(typ="safe").load(text)["route"]

    def reached(**labels: str) -> list[str]:
        found = []
        for one in route["routes"]:
            if all(matches(matcher, labels) for matcher in one["matchers"]):
                found.append(one["receiver"])
                if not one["continue"]:
                    break
        return found or [route["receiver"]]

    assert reached(team="unheard-of", severity="critical") == ["pager", "chat"]
    assert reached(severity="warning") == ["chat"]
    assert reached(severity="info") == ["obsc/silent"]
    assert reached(team="chat", severity="info") == ["obsc/silent"]


@pytest.mark.parametrize(("mail", "flavor", "told"), [
    ("{to: a@example.com}", "config", "`from` and `smarthost`"), ("{to: a@example.com, from: b@example.com}", "config", "`smarthost`"),
    ("{to: a@example.com, from: b@example.com, smarthost: 'smtp.example.com:587'}", "config", None),
    # The Alertmanager object may have a mail server for all receivers.
    ("{to: a@example.com}", "operator", None)])
def test_mail_without_a_server_would_stop_the_whole_alertmanager(mail: str, flavor: str, told: str | None, compile_texts: Compile) -> None:
    _, found = compile_texts({"platform.yaml": f"""\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {{name: prod}}
prometheus: {{flavor: {flavor}}}
alertmanager:
  receivers:
    - {{name: mail, emailConfigs: [{mail}]}}
"""})
    errors = [(one.code, one.place.line) for one in found if one.severity is FindingSeverity.ERROR]
    assert errors == ([("S320", 7)] if told else [])
    assert not told or any(told in one.message for one in found)


def test_objects_of_the_cluster_are_named_after_the_platforms_namespace() -> None:
    for namespace in ("observability", "other"):
        found: dict[str, Any] = {one.path.rpartition("/")[2]: one.data for one in prometheus.link(
            "prod", (), platform(metadata={"name": "prod", "namespace": namespace}), BUILT_IN)}
        role, binding = found["prometheus-clusterrole.yaml"], found["prometheus-clusterrolebinding.yaml"]
        assert role["metadata"]["name"] == binding["metadata"]["name"] == binding["roleRef"]["name"] == f"obsc-{namespace}-prometheus"
        account = found["prometheus-serviceaccount.yaml"]["metadata"]["name"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]


def test_receivers_in_the_file_read_their_secrets_from_files() -> None:
    part = part_of(service(), {})
    found = alerting.link("prod", (part,), platform(alertmanager=RECEIVERS), BUILT_IN)
    text = str(found[1].data)
    assert "routing_key_file: /etc/alertmanager/secrets/pd/k" in text
    assert "api_url_file: /etc/alertmanager/secrets/slack/url" in text
    assert "https://x.example" in text


def test_a_part_comes_back_as_it_went() -> None:
    traces = TracePolicy(("chat", "chat-router"), 0.05, keep_errors=True, slower_than=5.0, drop=(), masks=(privacy.MASKS["email"],), spans=("a b",),
                         origin=Origin("traces"))
    part = part_of(service(JOB, traces=traces), {"rules.yaml": "x", "other": "y"})
    read = from_text("part.json", to_json(to_data(part)), privacy.MASKS, Sink())
    assert read is not None
    assert (replace(read[0], files=part.files), read[1]) == (part, ("rules.yaml",))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "files": ["../../etc/passwd"]}'])
def test_a_part_that_cannot_be_trusted_is_a_finding(text: str) -> None:
    sink = Sink()
    assert from_text("part.json", text, privacy.MASKS, sink) is None
    assert [one.code for one in sink] == ["W910"]
