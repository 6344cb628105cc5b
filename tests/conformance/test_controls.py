"""Each consumer takes a small file that is right and refuses one that is broken on purpose.

A check that accepts everything would let every later test pass; this is what shows that it does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from ruamel.yaml.constructor import DuplicateKeyError

from conformance import checks, tools
from conformance.cluster import Cluster
from conformance.exporter import Exporter
from conformance.processes import StartError, fetch, free_port, write
from conformance.records import Consumers
from conformance.runners import Server, eventually
from conformance.webhook import Webhook

Tool = Callable[[str], Path]
Run = Callable[..., AbstractContextManager[Server]]

RULES = """
groups:
- name: chat
  rules:
  - record: chat:requests:rate1m
    expr: sum by (model_name) (rate(ai_inference_requests_total[1m]))
  - alert: ChatSlow
    expr: histogram_quantile(0.95, sum by (le) (rate(ai_inference_duration_seconds_bucket[1m]))) > 5
    for: 1m
    labels: {severity: critical}
    annotations: {summary: 'takes {{ $value | humanizeDuration }}'}
"""
RULE_TESTS = """
rule_files: [rules.yaml]
evaluation_interval: 30s
tests:
- interval: 30s
  input_series:
  - {series: 'ai_inference_duration_seconds_bucket{le="5"}', values: '0x20'}
  - {series: 'ai_inference_duration_seconds_bucket{le="10"}', values: '0+60x20'}
  - {series: 'ai_inference_duration_seconds_bucket{le="+Inf"}', values: '0+60x20'}
  alert_rule_test:
  - eval_time: 5m
    alertname: ChatSlow
    exp_alerts: [{exp_labels: {severity: critical}, exp_annotations: {summary: 'takes 9.75s'}}]
"""
PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [/etc/prometheus/rules/*.yaml]
scrape_configs:
- {job_name: chat, static_configs: [{targets: ['127.0.0.1:9']}]}
"""
ALERTMANAGER = """
route:
  receiver: default
  routes:
  - {receiver: pager, matchers: ['severity="critical"']}
receivers:
- {name: default}
- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:9/pager'}]}
"""
COLLECTOR = """
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 200}
  tail_sampling:
    policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]
  transform:
    trace_statements: ['delete_key(span.attributes, "gen_ai.prompt")']
  batch: {}
connectors:
  spanmetrics: {}
exporters:
  debug: {}
  prometheus: {endpoint: 127.0.0.1:8889}
service:
  telemetry: {metrics: {level: none}}
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, transform, tail_sampling, batch]
      exporters: [debug, spanmetrics]
    metrics: {receivers: [spanmetrics], exporters: [prometheus]}
"""
FILEBEAT = """
filebeat.inputs:
- type: filestream
  id: chat
  paths: [/var/log/containers/*.log]
  prospector.scanner.check_interval: 1s
  parsers:
  - container: {stream: all, format: cri}
  - ndjson: {target: "", overwrite_keys: true, add_error_key: true, message_key: msg}
  processors:
  - drop_fields: {fields: [prompt], ignore_missing: true}
output.elasticsearch: {hosts: ['http://elasticsearch:9200']}
"""
LOG = "".join(
    f"2026-01-01T00:00:0{second}.000000000Z stdout {tag} {text}\n" for second, tag, text in (
        (1, "F", '{"msg": "one", "prompt": "private"}'),
        (2, "P", '{"msg": "in two '),
        (3, "F", 'pieces"}'),
    ))


def overlay() -> str:
    """Ports of this run for COLLECTOR."""
    return json.dumps({"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{free_port()}"}}}},
                       "exporters": {"prometheus": {"endpoint": f"127.0.0.1:{free_port()}"}}})


def manifests(namespace: str, service: str = "chat", **changes: str) -> str:
    """Objects of one service in `namespace`; `changes` replace a text in them."""
    text = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: {service}-rules, namespace: {namespace}}}
data: {{rules.yaml: 'groups: []'}}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {{name: {service}, namespace: {namespace}, labels: {{app: {service}}}}}
spec:
  selector: {{matchLabels: {{app: {service}}}}}
  podMetricsEndpoints: [{{port: metrics, interval: 15s}}]
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {{name: {service}, namespace: {namespace}}}
spec:
  groups:
  - name: chat
    rules:
    - {{alert: ChatDown, expr: 'up == 0', for: 1m, labels: {{severity: critical}}}}
"""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def said(error: StartError | AssertionError, about: str) -> str:
    """What a program said from `about` on as it refused to start."""
    output = error.log if isinstance(error, StartError) else str(error)
    return checks.Verdict(accepted=False, output=output).refusal(about)


def put(home: Path, **files: str) -> Path:
    """Write files (`rules` → rules.yaml) into `home`."""
    write(home, {f"{name}.yaml": text for name, text in files.items()})
    return home


def test_promtool_rules(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    rule = RULES.partition("rules:\n")[2]
    home = put(tmp_path, rules=RULES, broken=RULES.replace("$value", "$lables.model_name"), twice=RULES + rule)
    checks.promtool_check_rules(tool("promtool"), [home / "rules.yaml"]).require()
    checks.promtool_check_rules(tool("promtool"), [home / "twice.yaml"]).refusal("duplicate rule(s) found")
    refused = checks.promtool_check_rules(tool("promtool"), [home / "broken.yaml"]).refusal("undefined variable")
    consumers.record("promtool check rules", tools.version("promtool"), 1, refused)


def test_promtool_rule_tests(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    home = put(tmp_path, rules=RULES, tests=RULE_TESTS, wrong=RULE_TESTS.replace("9.75s", "9.76s"))
    checks.promtool_test_rules(tool("promtool"), [home / "tests.yaml"]).require()
    refused = checks.promtool_test_rules(tool("promtool"), [home / "wrong.yaml"]).refusal("alertname: ChatSlow")
    consumers.record("promtool test rules", tools.version("promtool"), 1, refused)


def test_promtool_config(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    files = {"/etc/prometheus/prometheus.yml": PROMETHEUS, "/etc/prometheus/rules/chat.yaml": RULES}
    checks.lay_out(tmp_path, files, ["/etc/prometheus", "/etc/prometheus/rules"])
    config = tmp_path / "etc/prometheus/prometheus.yml"
    assert "2 rules found" in checks.promtool_check_config(tool("promtool"), config).require()
    config.write_text(config.read_text().replace("rules/*.yaml", "rule/*.yaml"))
    checks.promtool_check_config(tool("promtool"), config).refusal("rule/*.yaml")
    absent = "authorization: {credentials_file: /nowhere/token}, static_configs"
    config.write_text(config.read_text().replace("static_configs", absent))
    refused = checks.promtool_check_config(tool("promtool"), config).refusal("error checking authorization credentials")
    consumers.record("promtool check config", tools.version("promtool"), 1, refused)


def test_amtool(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    home = put(tmp_path, config=ALERTMANAGER, broken=ALERTMANAGER.replace("receiver: pager", "receiver: nobody"))
    checks.amtool_check_config(tool("amtool"), home / "config.yaml").require()
    assert checks.amtool_route(tool("amtool"), home / "config.yaml", {"severity": "critical"}) == ["pager"]
    assert checks.amtool_route(tool("amtool"), home / "config.yaml", {"severity": "warning"}) == ["default"]
    refused = checks.amtool_check_config(tool("amtool"), home / "broken.yaml").refusal("undefined receiver")
    consumers.record("amtool check-config", tools.version("amtool"), 1, refused)


def test_alertmanager(run_alertmanager: Run, tmp_path: Path, consumers: Consumers) -> None:
    with run_alertmanager(tmp_path / "good", {"alertmanager.yml": ALERTMANAGER}) as server:
        assert "pager" in server.get("/api/v2/status")["config"]["original"]
    broken = {"alertmanager.yml": ALERTMANAGER.replace("receiver: pager", "receiver: nobody")}
    with pytest.raises(StartError) as refused, run_alertmanager(tmp_path / "broken", broken):
        pass
    consumers.record("alertmanager", tools.version("alertmanager"), 1, said(refused.value, "undefined receiver"))


def test_prometheus_alerts_through_alertmanager(run_prometheus: Run, run_alertmanager: Run, tool: Tool, tmp_path: Path,
                                                consumers: Consumers) -> None:
    with Exporter(["chat"]) as exporter, Webhook() as webhook:
        exporter.advance(60)
        checks.run(tool("promtool"), "check", "metrics", stdin=exporter.page()).require()
        routes = ALERTMANAGER.replace("http://127.0.0.1:9", webhook.url).replace("routes:", "group_wait: 1s\n  routes:")
        with run_alertmanager(tmp_path / "alertmanager", {"alertmanager.yml": routes}) as alertmanager:
            target = alertmanager.url.removeprefix("http://")
            scraped = PROMETHEUS.replace("127.0.0.1:9", f"127.0.0.1:{exporter.port}")
            config = (scraped.replace("/etc/prometheus/rules", "rules")
                      + f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{target}']}}]}}]}}\n")
            quick = RULES.replace("for: 1m", "for: 1s").replace("[1m]", "[5s]")
            with run_prometheus(tmp_path / "prometheus", {"prometheus.yml": config, "rules/chat.yaml": quick}) as prometheus:
                asked = "/api/v1/query?query=chat:requests:rate1m"
                eventually("a recorded rate", lambda: prometheus.get(asked)["data"]["result"], 20)
                assert not webhook.notifications()
                exporter.slow()
                (alert, *_) = webhook.wait("ChatSlow", 30)
                assert alert["labels"] == {"alertname": "ChatSlow", "severity": "critical"}
                assert {one.path for one in webhook.notifications()} == {"/pager"}
    broken = {"prometheus.yml": PROMETHEUS.replace("static_configs", "scrape_intervall: 1s, static_configs")}
    with pytest.raises(StartError) as refused, run_prometheus(tmp_path / "broken", broken):
        pass
    consumers.record("prometheus", tools.version("prometheus"), 2, said(refused.value, "field scrape_intervall not found"))


def test_exporter_page_moves() -> None:
    with Exporter(["a", "b"], ["0", "1"], rate=0) as exporter:
        exporter.rate(10)
        exporter.failing(0.5)
        exporter.advance(100)
        page = fetch(f"{exporter.url}/metrics")
    values = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
    of_model = 'ai_inference_requests_total{model_name="a",status='
    both = [float(values[f'{of_model}"{status}"}}']) for status in ("success", "error")]
    assert both[0] == pytest.approx(both[1], abs=1)
    assert sum(both) == float(values['ai_inference_duration_seconds_bucket{model_name="a",le="+Inf"}']) >= 1000


def test_collector(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    broken = COLLECTOR.replace("status_codes: [ERROR]", "status_codes: [FAILED]")
    home = put(tmp_path, config=COLLECTOR, broken=broken, unknown=COLLECTOR.replace("check_interval", "interval"))
    checks.otelcol_validate(tool("otelcol"), [home / "config.yaml"]).require()
    unknown = checks.otelcol_validate(tool("otelcol"), [home / "unknown.yaml"])
    consumers.record("otelcol validate", tools.version("otelcol"), 1, unknown.refusal("invalid keys: interval"))
    checks.otelcol_start(tool("otelcol"), home, "config.yaml", overlays=[overlay()]).require()
    # The sampler reads its policies only when it starts: what `validate` accepts is refused here.
    checks.otelcol_validate(tool("otelcol"), [home / "broken.yaml"]).require()
    refused = checks.otelcol_start(tool("otelcol"), home, "broken.yaml", overlays=[overlay()])
    consumers.record("otelcol (started)", tools.version("otelcol"), 1, refused.refusal('failed to start "tail_sampling"'))


def test_filebeat(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    log = "/var/log/containers/chat-0_team_server.log"
    broken = FILEBEAT.replace("format: cri", "format: crio")
    for home, text in ((tmp_path / "good", FILEBEAT), (tmp_path / "broken", broken)):
        checks.lay_out(home, {"/etc/filebeat.yml": text, log: LOG}, ["/var/log/containers", "/etc"])
    verdict, events = checks.filebeat_events(tool("filebeat"), tmp_path / "good", "etc/filebeat.yml", 2)
    verdict.require()
    assert [event["message"] for event in events] == ["one", "in two pieces"]
    assert all("prompt" not in event for event in events)
    refused, events = checks.filebeat_events(tool("filebeat"), tmp_path / "broken", "etc/filebeat.yml", 1, seconds=8)
    assert not events
    consumers.record("filebeat", tools.version("filebeat"), 1, refused.refusal("unknown container log format"))


def test_kustomize(tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    write(tmp_path, {"kustomization.yaml": "resources: [chat]\n", "chat/kustomization.yaml": "resources: [objects.yaml]\n",
                     "chat/objects.yaml": manifests("team")})
    assert len(checks.documents(checks.kustomize_build(tool("kubectl"), tmp_path))) == 3
    write(tmp_path, {"kustomization.yaml": "resources: [chat, gone]\n"})
    with pytest.raises(AssertionError) as refused:
        checks.kustomize_build(tool("kubectl"), tmp_path)
    consumers.record("kubectl kustomize", tools.version("kubectl"), 3, said(refused.value, "'gone'"))


@pytest.mark.parametrize(("namespace", "old", "new", "reason"), [
    ("controls-unknown", "interval: 15s", "intervall: 15s", "field not declared in schema"),
    ("controls-type", "'groups: []'", "7", "expected string"),
    ("controls-pattern", "interval: 15s", "interval: soon", "should match"),
    ("controls-label", "labels: {app: chat}", "labels: {app: a chat}", "a valid label must"),
])
def test_apiserver(cluster: Cluster, consumers: Consumers, namespace: str, old: str, new: str, reason: str) -> None:
    refused = checks.apply(cluster, manifests(namespace, **{old: new})).refusal(reason)
    consumers.record("kube-apiserver", tools.version("kube-apiserver"), 0, refused)
    checks.apply(cluster, manifests(namespace)).require()
    checks.apply(cluster, manifests(namespace)).require()
    consumers.record("kube-apiserver", tools.version("kube-apiserver"), 3)


def test_definitions_of_every_operator_are_established(cluster: Cluster) -> None:
    groups = {one["spec"]["group"] for one in cluster.objects("crd")}
    assert groups == {"monitoring.coreos.com", "opentelemetry.io", "grafana.integreatly.org", "keda.sh"}


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(DuplicateKeyError):
        checks.documents("a: 1\na: 2\n")


def test_prometheus_operator(cluster: Cluster, tool: Tool, tmp_path: Path, consumers: Consumers) -> None:
    checks.apply(cluster, manifests("controls-operator")).require()
    checks.apply(cluster, manifests("controls-operator", "broken", **{"up == 0": "up = = 0"})).require()
    config = checks.operator_scrape_config(cluster, "controls-operator", "everything")
    jobs = [job["job_name"] for job in config["scrape_configs"]]
    assert "podMonitor/controls-operator/chat/0" in jobs
    write(tmp_path, {"config.yaml": json.dumps(config)})
    checks.run(tool("promtool"), "check", "config", "--syntax-only", tmp_path / "config.yaml").require()
    refused = [one for one in checks.operator_rejections(cluster) if one.namespace == "controls-operator"]
    assert [(one.kind, one.name) for one in refused] == [("PrometheusRule", "broken")]
    consumers.record("prometheus-operator", tools.version("prometheus-operator"), 2, refused[0].message)


def test_operator_reads_alertmanager_configs(cluster: Cluster) -> None:
    def config(name: str, receiver: str) -> str:
        return json.dumps({"apiVersion": "monitoring.coreos.com/v1alpha1", "kind": "AlertmanagerConfig",
                           "metadata": {"name": name, "namespace": "controls-routes"},
                           "spec": {"route": {"receiver": receiver}, "receivers": [{"name": "team"}]}})

    checks.apply(cluster, config("good", "team")).require()
    checks.apply(cluster, config("broken", "nobody")).require()
    content = checks.operator_alertmanager_config(cluster, "controls-routes", "main")
    assert "controls-routes/good/team" in [one["name"] for one in content["receivers"]]
    refused = [(one.kind, one.name) for one in checks.operator_rejections(cluster) if one.namespace == "controls-routes"]
    assert refused == [("AlertmanagerConfig", "broken")]
