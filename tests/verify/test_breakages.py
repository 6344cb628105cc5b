"""A folder of good files, and one mistake at a time in it: each yields exactly its code, at its line and nowhere else.

A breakage is a file, what to replace in it and by what; the line that must be named holds `at` (the replacement's first
line unless told otherwise).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from obsc import verify
from obsc.codes import CODES
from obsc.diagnostics import Diagnostic, Severity, Sink

GOOD = Path(__file__).parent / "good"


class Break(NamedTuple):
    code: str
    file: str
    old: str
    new: str
    at: str = ""
    severity: Severity = Severity.ERROR


# A whole rule of rules.yaml.
_SECOND = ('      - alert: ManySlow\n        expr: sum(rate(latency_seconds_bucket{le="0.5"}[5m])) > 1\n        labels:\n'
           "          severity: warning")
WARNING, INFO = Severity.WARNING, Severity.INFO
BREAKAGES = (
    # Reading
    Break("L007", "deployment.yaml", "  replicas: 2\n", "  replicas: 2\n  replicas: 3\n", "replicas: 3"),
    Break("L010", "deployment.yaml", "    matchLabels:\n      app", "    matchLabels:\n      - [app", "  template:"),
    Break("L007", "dashboard.json", '"uid": "chat-overview",\n', '"uid": "chat-overview",\n  "uid": "other",\n', "other"),
    Break("X602", "dashboard.json", '"schemaVersion": 41,', '"schemaVersion": 41,,'),
    Break("X602", "configmap.yaml", '\'{"mode": "fast"}\'', '\'{"mode": fast}\'', "settings.json"),
    Break("L010", "configmap.yaml", "      - job_name: exporters", "      - job_name: exporters: twice"),
    Break("L007", "configmap.yaml", "      scrape_timeout: 10s\n", "      scrape_timeout: 10s\n      scrape_timeout: 9s\n", "9s"),
    # Kubernetes' schemas
    Break("X603", "deployment.yaml", "apiVersion: apps/v1", "apiVersion: apps/v1beta1"),
    Break("X603", "service.yaml", "kind: Service\n", "kind: Servce\n"),
    Break("X604", "deployment.yaml", "  replicas: 2", "  replica: 2"),
    Break("X605", "deployment.yaml", "  replicas: 2", '  replicas: "2"'),
    Break("X605", "deployment.yaml", 'version: "12e45"', "version: 1.5"),
    Break("X605", "deployment.yaml", "              value: fast", "              value: 1"),
    Break("X606", "service.yaml", "      port: 80\n", "      port: 9100\n", "    - name: metrics"),
    Break("X607", "service.yaml", "apiVersion: v1\n", "apiVersion: serving.knative.dev/v1\n", "kind: Service", INFO),
    Break("X608", "deployment.yaml", "          image: registry.example.com/chat:1.2.3\n", "", "name: server"),
    Break("X608", "service.yaml", "    namespace: ai-chat\n", "", "- kind: ServiceAccount"),
    Break("X608", "service.yaml", "  name: chat\n  namespace", "  namespace", "metadata:"),
    # What schemas do not say
    Break("X610", "deployment.yaml", "  name: chat\n", "  name: Chat_1\n"),
    Break("X610", "service.yaml", "  name: chat\n  namespace", "  name: 1chat\n  namespace"),
    Break("X610", "deployment.yaml", "        - name: server", "        - name: server.main"),
    Break("X611", "deployment.yaml", 'version: "12e45"', 'version: "a b"'),
    Break("X611", "deployment.yaml", "example.com/owner:", "example.com/a/b:"),
    Break("X612", "deployment.yaml", "cpu: 500m", "cpu: banana"),
    Break("X612", "deployment.yaml", "sizeLimit: 20Gi", "sizeLimit: 20 GB"),
    Break("X612", "deployment.yaml", "              memory: 2Gi", "              memory: 5Gi"),
    Break("X613", "deployment.yaml", "      app.kubernetes.io/name: chat\n  template", "      app.kubernetes.io/name: chats\n  template"),
    Break("X614", "deployment.yaml", "containerPort: 8000", "containerPort: 80000"),
    Break("X614", "deployment.yaml", "              port: http", "              port: https"),
    Break("X614", "deployment.yaml", "            - name: metrics", "            - name: metrics-of-the-exporter"),
    Break("X614", "service.yaml", "      targetPort: 9100", "      targetPort: 70000"),
    Break("X615", "deployment.yaml", "            - name: models\n              mountPath", "            - name: model\n              mountPath"),
    Break("X616", "service.yaml", "---\n", "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: chat\n  namespace: ai-chat\n"
          "spec: {ports: [{port: 1}]}\n---\n", "name: chat"),
    Break("X617", "configmap.yaml", "\ndata:\n", '\ndata:\n  notes.txt: "' + "x" * (260 << 10) + '"\n', "kind: ConfigMap"),
    Break("X617", "operator.yaml", "            severity: critical\n", "            severity: critical\n          annotations: {text: " + "x" * (481 << 10)
          + "}\n", "kind: PrometheusRule"),
    # Custom resources
    Break("X604", "operator.yaml", "      scrapeTimeout: 10s", "      scrapeTimout: 10s"),
    Break("X605", "operator.yaml", "  mode: deployment", "  mode: deploymnt"),
    Break("X606", "operator.yaml", "    - name: chat\n      rules:", "    - name: chat\n    - name: chat\n      rules:"),
    Break("X608", "operator.yaml", "          expr: sum by (service) (rate(http_errors_total[5m]))\n", "", "- record"),
    Break("X620", "operator.yaml", 'expr: up{service="chat"} == 0', 'expr: up{service="chat"} = 0'),
    Break("X623", "operator.yaml", "          for: 5m", "          for: 5min"),
    Break("X630", "operator.yaml", "      scrapeTimeout: 10s", "      scrapeTimeout: 45s"),
    Break("X630", "operator.yaml", "        - targetLabel: service\n          replacement", "        - replacement"),
    Break("X631", "operator.yaml", "    receiver: team", "    receiver: teams"),
    Break("X632", "operator.yaml", "        value: chat.*", '        value: "chat("'),
    Break("X634", "operator.yaml", "          exporters: [debug]", "          exporters: [debug, otlp]"),
    Break("X612", "operator.yaml", "      memory: 1Gi", "      memory: 1 Gi"),
    Break("X640", "operator.yaml", '"uid": "from-operator"', '"uid": "from the operator"'),
    Break("X605", "operator.yaml", "  folder: AI\n", "  folder: AI\n  folderUID: ai\n", "folderUID"),
    # Rules
    Break("X604", "rules.yaml", "        annotations:", "        annotation:"),
    Break("X608", "rules.yaml", "  - name: chat.alerts\n    rules:", "  - rules:", "  - rules:"),
    Break("X620", "rules.yaml", "expr: sum by (service) (rate", "expr: sum by (service) (rte"),
    Break("X620", "rules.yaml", "            > 2", "            > > 2", "expr: |"),
    Break("X621", "rules.yaml", "sum by (le) (rate", "sum by (pod) (rate", "expr: |"),
    Break("X621", "rules.yaml", 'le="0.5"', 'le="1"'),
    Break("X622", "rules.yaml", '"0.5"}[5m]', '"0.5"}[5m*2]', "", INFO),
    Break("X623", "rules.yaml", "        for: 10m", "        for: 1.5h"),
    Break("X625", "rules.yaml", "$labels.service", "$lables.service"),
    Break("X625", "rules.yaml", "humanizeDuration }}", "humanizeDuration }"),
    Break("X626", "rules.yaml", "record: ai:requests:rate", "record: ai:requests{}"),
    Break("X626", "rules.yaml", "          severity: warning", "          the-severity: warning", "", WARNING),
    Break("X627", "rules.yaml", "  - name: chat.alerts", "  - name: chat.recording"),
    Break("X627", "rules.yaml", _SECOND, _SECOND.replace("ManySlow", "SlowAnswers").replace("warning", "critical"), "", WARNING),
    Break("X628", "rules.yaml", "        labels:\n          namespace: ai-chat", "        for: 1m\n        labels:\n          namespace: ai-chat", "for: 1m"),
    Break("X628", "rules.yaml", "- alert: ManySlow", "- alert: ManySlow\n        record: many", "record: many"),
    # Configurations
    Break("X604", "configmap.yaml", "      scrape_timeout: 10s", "      scrape_timout: 10s"),
    Break("X605", "configmap.yaml", "          - role: pod", "          - role: pods"),
    Break("X608", "configmap.yaml", "      - job_name: exporters\n        static_configs", "      - static_configs"),
    Break("X623", "configmap.yaml", "      scrape_interval: 30s", "      scrape_interval: 30 s"),
    Break("X624", "configmap.yaml", "            regex: metrics|http", "            regex: (metrics|http"),
    Break("X630", "configmap.yaml", "      scrape_timeout: 10s", "      scrape_timeout: 40s"),
    Break("X630", "configmap.yaml", "      - job_name: exporters", "      - job_name: chat"),
    Break("X630", "configmap.yaml", '["exporter.ai-chat.svc:9100"]', '["http://exporter:9100/metrics"]'),
    Break("X630", "configmap.yaml", "          - target_label: service\n            replacement", "          - replacement"),
    Break("X605", "targets.json", '["gpu-1.example.com:9400"]', '"gpu-1.example.com:9400"'),
    Break("X630", "targets.json", "gpu-1.example.com:9400", "http://gpu-1.example.com:9400"),
    Break("X631", "configmap.yaml", "        - receiver: pager", "        - receiver: pagers", "pagers"),
    Break("X631", "configmap.yaml", "mute_time_intervals: [nights]", "mute_time_intervals: [night]"),
    Break("X631", "configmap.yaml", "          - routing_key_file: /etc/alertmanager/secrets/key", "          - severity: error"),
    Break("X631", "configmap.yaml", 'end_time: "24:00"', 'end_time: "07:00"', "- start_time"),
    Break("X631", "configmap.yaml", "        equal: [namespace, service]\n", "", "source_matchers", WARNING),
    Break("X632", "configmap.yaml", "            - 'severity=\"critical\"'", "            - 'severity'"),
    Break("X633", "filebeat.yml", "  - type: filestream", "  - type: filestrem"),
    Break("X633", "filebeat.yml", "    parsers:", "    parser:"),
    Break("X633", "filebeat.yml", "      - container:", "      - containers:"),
    Break("X633", "filebeat.yml", "  - drop_fields:", "  - drop_field:"),
    Break("X633", "filebeat.yml", "output.elasticsearch:", "output.console: {}\noutput.elasticsearch:", "output.elasticsearch"),
    Break("X624", "filebeat.yml", r"'^\s'", r"'^(\s'"),
    Break("X633", "inputs.yaml", "  id: speech", "  id: vision"),
    Break("X633", "inputs.yaml", "  paths: [/var/log/containers/*_speech_*.log]\n", "", "- type: filestream"),
    Break("X604", "collector.yaml", "extensions:\n  health_check: {}\n", "extensions:\n  health_check: {}\nextension: {}\n", "extension: {}"),
    Break("X634", "collector.yaml", "      exporters: [otlp/jaeger]", "      exporters: [otlp/jeager, otlp/jaeger]"),
    Break("X634", "collector.yaml", "        type: status_code", "        type: status_codes"),
    Break("X634", "collector.yaml", "status_codes: [ERROR]", "status_codes: [ERR]"),
    Break("X634", "collector.yaml", "      - name: slow", "      - name: errors"),
    Break("X634", "collector.yaml", "    traces:\n", "    spans:\n"),
    Break("X634", "collector.yaml", "[memory_limiter, tail_sampling, batch]", "[tail_sampling, memory_limiter, batch]", "", WARNING),
    Break("X634", "collector.yaml", "  batch: {}\n", "  batch: {}\n  resource: {}\n", "resource", WARNING),
    Break("X634", "collector.yaml", "extensions: [health_check]", "extensions: [health_check, zpages]"),
    # Dashboards
    Break("X640", "dashboard.json", '"uid": "chat-overview"', '"uid": "' + "c" * 41 + '"'),
    Break("X640", "dashboard.json", '"schemaVersion": 41', '"schemaVersion": 12', "", WARNING),
    Break("X620", "dashboard.json", "sum(rate(http_requests_total[$__rate_interval]))", "sum(rate(http_requests_total[$__rate_interval])"),
    Break("X641", "dashboard.json", '{"id": 3,', '{"id": 2,', '{"id": 2, "type": "stat"'),
    Break("X641", "dashboard.json", '{"refId": "B"', '{"refId": "A"', '"expr": "sum(rate'),
    Break("X642", "dashboard.json", '"x": 12, "y": 1', '"x": 11, "y": 1'),
    Break("X642", "dashboard.json", '"w": 24, "x": 0', '"w": 24, "x": 1'),
    Break("X643", "dashboard.json", '"datasource": {"type": "prometheus", "uid": "${datasource}"},\n     "gridPos": {"h": 8, "w": 12, "x": 12',
          '"datasource": {"type": "prometheus", "uid": "P1809F7CD0C75ACF3"},\n     "gridPos": {"h": 8, "w": 12, "x": 12'),
    Break("X644", "dashboard.json", '"percentunit"', '"percentUnit"'),
    Break("X645", "dashboard.json", "ai:errors:ratio > 0", "ai:errors:ratio > $limit"),
    # kustomize
    Break("X650", "kustomization.yaml", "  - service.yaml", "  - services.yaml", "services.yaml"),
    Break("X604", "kustomization.yaml", "resources:", "ressources:"),
    Break("X651", "kustomization.yaml", "  - service.yaml\n", "", "resources:", WARNING),
    Break("X651", "kustomization.yaml", "resources:", "commonLabels: {a: b}\nresources:", "commonLabels", WARNING),
)


def check(folder: Path) -> list[Diagnostic]:
    sink = Sink()
    verify.verify([folder], sink, lambda _: "1.33")
    return list(sink)


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[Break], Path]:
    def copy(one: Break) -> Path:
        folder = tmp_path / "good"
        shutil.copytree(GOOD, folder)
        text = (folder / one.file).read_text()
        assert one.old in text, "the breakage does not fit the good file"
        (folder / one.file).write_text(text.replace(one.old, one.new, 1))
        return folder

    return copy


def test_the_good_files_are_good() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize("one", BREAKAGES, ids=[f"{one.code}-{one.file}-{index}" for index, one in enumerate(BREAKAGES)])
def test_a_mistake_is_found_once_at_its_line(one: Break, broken: Callable[[Break], Path]) -> None:
    folder = broken(one)
    found = check(folder)
    lines = (folder / one.file).read_text().split("\n")
    assert all(each.hint and each.message for each in found)
    assert [(each.code, each.severity, Path(each.place.file).name) for each in found] == [(one.code, one.severity, one.file)]
    assert (one.at or one.new).strip().split("\n")[0].strip() in lines[found[0].place.line - 1][:200]


def test_every_code_has_a_breakage() -> None:
    assert {code for code in CODES if code.startswith("X")} - {one.code for one in BREAKAGES} == {"X601", "X609"}
