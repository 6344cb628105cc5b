"""Backends of the platform: Prometheus, Grafana, Elasticsearch, Filebeat, the Collector, Jaeger, and exporters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from obsc.spec.base import Block, leaf
from obsc.spec.metrics import Authorization, TlsConfig
from obsc.spec.types import (
    Count,
    Duration,
    ExactVersion,
    HostPort,
    KubeLabelKey,
    KubeLabels,
    LabelName,
    Labels,
    MatcherText,
    MetricName,
    ObjectName,
    Url,
    Word,
)

Flavor = Literal["config", "operator"]


class RemoteWrite(Block):
    """A store that gets every sample too."""

    later: ClassVar[Mapping[str, str]] = {"headers": "headers of one's own; put a proxy before the store that adds them"}

    url: Url = leaf("Address.", "https://mimir.example.com/api/v1/push")
    authorization: Authorization | None = leaf("Credentials, kept in the platform's namespace.",
                                               {"credentials": {"name": "mimir", "key": "token"}}, default=None)
    tls_config: TlsConfig | None = leaf("TLS of the connection.", {"serverName": "mimir.example.com"}, default=None)


class Prometheus(Block):
    """Metrics."""

    later: ClassVar[Mapping[str, str]] = {"mode": "servers that only send on; set `remoteWrite` and a short `retention`"}

    flavor: Flavor = leaf("Form of the output: ConfigMaps, or objects of the operator.", "operator", default="config")
    version: ExactVersion = leaf("Version.", "3.14.0", default="3.14.0")
    api_group: Literal["monitoring.coreos.com"] = leaf("API group of the operator's objects.", "monitoring.coreos.com",
                                                       default="monitoring.coreos.com")
    rules: Literal["flavor", "files"] = leaf(
        "Form of rules: the flavor's, or files in ConfigMaps with the operator too, for a ruler that reads files.", "files",
        default="flavor")
    labels: KubeLabels = leaf("Labels that its selectors ask for.", {"release": "kube-prometheus-stack"}, default={})
    scrape_interval: Duration = leaf("Time between scrapes.", "30s", unit="duration", default=30.0)
    evaluation_interval: Duration = leaf("Time between evaluations of rules.", "30s", unit="duration", default=30.0)
    retention: Duration = leaf("How long samples are kept.", "15d", unit="duration", default=1296000.0)
    external_labels: Labels = leaf("Labels on everything that leaves it.", {"cluster": "prod-eu"}, default={})
    shards: Annotated[int, Field(ge=1, le=64)] = leaf(
        "Servers among which services are divided: each scrapes and judges its own, told by a digest of their identity.", 2,
        unit="servers", default=1)
    replicas: Annotated[int, Field(ge=1, le=16)] = leaf("Servers that do the same, so that one may fail.", 2, unit="servers", default=1)
    remote_write: tuple[RemoteWrite, ...] = leaf("Where samples are sent besides.",
                                                 [{"url": "https://mimir.example.com/api/v1/push"}], default=())
    group_labels: tuple[LabelName, ...] = leaf("Labels that are kept in every aggregation, where one server sees several clusters.",
                                               ["cluster"], default=())


class Datasources(Block):
    """Uids of data sources in Grafana."""

    later: ClassVar[Mapping[str, str]] = {"elasticsearch": "links from panels to logs", "jaeger": "links from panels to traces"}

    prometheus: Word | None = leaf("Uid of the Prometheus data source; Grafana's default unless given.", "prometheus",
                                   default=None)


class Grafana(Block):
    """Dashboards."""

    delivery: Literal["files", "sidecar", "operator"] = leaf(
        "How dashboards reach Grafana: mounted files, ConfigMaps for the sidecar, or objects of its operator.", "sidecar", default="files")
    version: ExactVersion = leaf("Version.", "13.1.3", default="13.1.3")
    datasources: Datasources = leaf("Data sources.", {"prometheus": "prometheus"}, default=Datasources())
    sidecar_label: KubeLabelKey = leaf("Label that the sidecar looks for.", "grafana_dashboard", default="grafana_dashboard")


class Elasticsearch(Block):
    """Log storage."""

    later: ClassVar[Mapping[str, str]] = {"retention": "how long logs are kept"}

    version: ExactVersion = leaf("Version.", "9.5.2")
    hosts: tuple[Url, ...] = leaf("Addresses.", ["https://elasticsearch.observability.svc:9200"])
    secret_name: ObjectName | None = leaf("Secret with `api_key` (as `id:key`) and `ca.crt`.", "elasticsearch-filebeat",
                                          default=None)


class Filebeat(Block):
    """Log shipping."""

    version: ExactVersion = leaf("Version: 7.17, 8.x or 9.x.", "9.5.2")


class Collector(Block):
    """Trace collection."""

    later: ClassVar[Mapping[str, str]] = {"kafka": "a queue between agents and gateways"}
    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "mode": {"agent+gateway": "agents on every node before the gateway; let applications send to the gateway"}}

    flavor: Flavor | None = leaf("Form of the output; prometheus.flavor unless given.", "config", default=None)
    version: ExactVersion = leaf("Version.", "0.159.0")
    mode: Literal["gateway"] = leaf("Shape of the deployment.", "gateway", default="gateway")
    replicas: Count = leaf("Replicas of the gateway.", 2, unit="replicas", default=2)


class Jaeger(Block):
    """Trace storage."""

    later: ClassVar[Mapping[str, str]] = {"deploy": "deploying Jaeger; give the `endpoint` of one that runs",
                                          "storage": "Jaeger's storage; it belongs to whoever runs it"}

    endpoint: HostPort = leaf("OTLP gRPC address.", "jaeger-collector.observability.svc:4317")


class Source(Block):
    """An exporter that runs already."""

    enabled: bool = leaf("Whether it is there.", True, default=True)


class Scraped(Source):
    """An exporter that is scraped already, or by the scrapers that are configured here."""

    version: ExactVersion | None = leaf("Version.", "2.17.0", default=None)
    matchers: tuple[MatcherText, ...] | None = leaf("Matchers of its series; the catalog's unless given.",
                                                    ['job="kube-state-metrics"'], default=None)
    honor_labels: bool | None = leaf("Whether its own namespace, pod and container labels survive the scrape; the catalog's "
                                     "usual deployment unless given.", True, default=None)


class Addressed(Scraped):
    """One that a scraper configured here reads from an address, and not on every node."""

    address: HostPort | None = leaf("Address that a scraper configured here reads it from.",
                                    "kube-state-metrics.kube-system.svc:8080", default=None)


class Listed(Addressed):
    """One whose metrics are a list that its operators change."""

    fields: tuple[MetricName, ...] = leaf("Metrics that its configuration adds to the usual ones.",
                                          ["DCGM_EXP_XID_ERRORS_COUNT"], default=())


class Blackbox(Source):
    """The black-box exporter, which makes the requests of `probes`."""

    enabled: bool = leaf("Whether it is there.", True, default=False)
    address: HostPort | None = leaf("Address at which Prometheus asks it.", "blackbox-exporter.monitoring.svc:9115", default=None)
    modules: tuple[Word, ...] = leaf("Modules of its configuration, which probes may name.", ["http_2xx", "http_post_2xx"],
                                     default=("http_2xx",))


class Sources(Block):
    """Exporters."""

    later: ClassVar[Mapping[str, str]] = {
        "nodeExporter": "rules about nodes, which belong to no service; alert on nodes once for the cluster",
        "istio": "signals that a mesh reports; a gateway is a component with the runtime `istio`",
        "knative": "signals that a queue proxy or autoscaler reports; give its page an endpoint with its series",
        "kuberay": "signals that an operator reports; a RayService is judged by its targets"}

    kube_state_metrics: Addressed = leaf("kube-state-metrics.", {"enabled": True}, default=Addressed())
    cadvisor: Scraped = leaf("cAdvisor in the kubelet.", {"enabled": True}, default=Scraped())
    dcgm: Listed = leaf("NVIDIA's DCGM exporter.", {"enabled": True}, default=Listed(enabled=False))
    amd: Addressed = leaf("AMD's device metrics exporter.", {"enabled": True}, default=Addressed(enabled=False))
    blackbox: Blackbox = leaf("The black-box exporter.", {"enabled": True, "address": "blackbox-exporter.monitoring.svc:9115"},
                              default=Blackbox())
