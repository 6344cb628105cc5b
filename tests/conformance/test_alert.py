"""One real alert: a slow model, Prometheus and Alertmanager on compiled files, and a notification at the other end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from conformance import checks, tools
from conformance.exporter import Exporter
from conformance.processes import free_port
from conformance.records import Consumers
from conformance.runners import Server
from conformance.webhook import Webhook
from obsc import pipeline
from obsc.diagnostics import Sink
from obsc.source import load

Run = Callable[..., AbstractContextManager[Server]]
ROOT = Path(__file__).parents[2]
LONGEST = 180.0
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {{name: local}}
prometheus:
  version: 3.15.0
  scrapeInterval: 1s
  evaluationInterval: 1s
alertmanager:
  version: {version}
  address: "127.0.0.1:{alertmanager}"
  groupWait: 1s
  groupInterval: 1s
  repeatInterval: 1h
  receivers:
    - name: default
      webhookConfigs: [{{url: "http://127.0.0.1:{webhook}/alerts"}}]
  routing: {{critical: [default], warning: [default]}}
sources:
  kubeStateMetrics: {{enabled: false}}
  cadvisor: {{enabled: false}}
policy:
  targets: ["127.0.0.1"]
  allowInsecure: true
"""
OVERLAY = """\
environments:
  local:
    metrics:
      staticConfigs: [{{targets: ["127.0.0.1:{exporter}"]}}]
      endpoints:
        - interval: 1s
        - name: gpu
          interval: 1s
          staticConfigs: [{{targets: ["127.0.0.1:{exporter}"]}}]
    alerts:
      rules:
        HighInferenceLatency: {{for: 3s, keepFiringFor: 2s}}
"""


def compiled(ports: Mapping[str, int]) -> Mapping[str, bytes]:
    """The classic spec, as it is shipped, in an environment of this test."""
    spec = (ROOT / "specs/ai-model-server.yaml").read_text() + OVERLAY.format(**ports)
    platform = PLATFORM.format(**ports, version=tools.version("alertmanager"))
    sink = Sink()
    sources = {name: load(name, text.encode(), sink) for name, text in (("platform.yaml", platform), ("spec.yaml", spec))}
    tree = pipeline.compile_specs(sources, sink).tree
    assert not sink.failed, [f"{one.place}: {one.message}" for one in sink]
    return tree


def laid_out(tree: Mapping[str, bytes], root: Path) -> None:
    """The environment's ConfigMaps, as Prometheus and Alertmanager mount them."""
    files: dict[str, str] = {}
    for path, raw in tree.items():
        if not path.startswith("local/manifests/platform/") or not path.endswith(".yaml"):
            continue
        content = checks.documents(raw.decode())[0]
        name, data = content.get("metadata", {}).get("name", ""), content.get("data") or {}
        folder = {"prometheus-config": "/etc/prometheus", "alertmanager-config": "/etc/alertmanager"}.get(name, "")
        folder = "/etc/prometheus/scrape" if name.startswith("prometheus-scrape-") else folder
        folder = "/etc/prometheus/rules" if name.startswith("prometheus-rules-") else folder
        files |= {f"{folder}/{key}": text for key, text in data.items() if folder}
    checks.lay_out(root, files, ("/etc/prometheus", "/etc/alertmanager"))


def test_a_slow_model_reaches_the_webhook_and_resolves(run_prometheus: Run, run_alertmanager: Run, consumers: Consumers,
                                                       tmp_path: Path) -> None:
    start = time.monotonic()
    with Exporter(rate=40) as exporter, Webhook() as webhook:
        ports = {"exporter": exporter.port, "webhook": webhook.port, "alertmanager": free_port()}
        laid_out(compiled(ports), tmp_path)
        listen = f"--web.listen-address=127.0.0.1:{ports['alertmanager']}"
        with run_alertmanager(tmp_path / "etc/alertmanager", arguments=(listen,)), \
                run_prometheus(tmp_path / "etc/prometheus") as prometheus:
            quiet(prometheus, webhook)
            exporter.slow()
            fired = webhook.wait("HighInferenceLatency", 60)
            labels = fired[0]["labels"]
            assert labels["service"] == "ai-model-server"
            assert labels["severity"] == "warning"
            assert labels["team"] == "ml-platform"
            assert labels["namespace"] == "ai-services"
            assert "p95" in fired[0]["annotations"]["description"]
            # The window of five minutes stays as it is: fast requests must outnumber the slow ones in it.
            exporter.slow(False)
            exporter.rate(4000)
            webhook.wait("HighInferenceLatency", 90, status="resolved")
    taken = time.monotonic() - start
    assert taken < LONGEST, f"{taken:.0f} s"
    consumers.record("alertmanager", tools.version("alertmanager"), 1)


def quiet(prometheus: Server, webhook: Webhook) -> None:
    """A healthy service raises nothing, for a few evaluations after its series are there."""
    end = time.monotonic() + 20
    seen = 0
    while seen < 5 and time.monotonic() < end:
        found = prometheus.get("/api/v1/query?query=ai:requests:rate")["data"]["result"]
        seen = seen + 1 if found else 0
        time.sleep(1)
    assert seen == 5, "the recorded rate of requests never came"
    assert webhook.alerts("HighInferenceLatency") == []
    firing = [one["labels"]["alertname"] for one in prometheus.get("/api/v1/alerts")["data"]["alerts"] if one["state"] == "firing"]
    assert firing == [], firing
