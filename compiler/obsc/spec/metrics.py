"""`metrics`: where the service's series come from, and the series of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from obsc.spec.base import Block, leaf
from obsc.spec.types import (
    Bound,
    DnsLabel,
    Duration,
    HostPort,
    HttpPath,
    KubeLabelKey,
    KubeLabels,
    LabelName,
    Labels,
    LabelValue,
    MatcherText,
    MetricGlob,
    MetricName,
    ObjectName,
    Port,
    SecretKey,
    Word,
)

Signal: TypeAlias = Literal["availability", "traffic", "requestDuration", "timeToFirstToken", "inputTokens", "outputTokens",
                            "interTokenLatency", "timePerOutputToken", "queueDuration", "requestsRunning", "requestsWaiting",
                            "predictions", "qualityScore", "gpuUtilization", "gpuMemoryUsage", "gpuTemperature", "cpuUsage",
                            "memoryUsage", "kvCacheUsage", "preemptions", "batchSize", "up", "probeSuccess"]
# Signals that nothing reads, and what would.
SIGNALS_LATER: Mapping[str, str] = {
    "driftScore": "data drift; make it an indicator with `max`", "feedback": "user satisfaction; make it an indicator with `min`",
    "spend": "cost; make it an indicator with `max`", **dict.fromkeys(("lastSuccess", "jobDuration"), "jobs that end")}


class SecretKeyRef(Block):
    """A key of a Kubernetes Secret: the only form in which a secret may stand in a spec."""

    name: ObjectName = leaf("Name of the Secret, in the same namespace.", "scrape-token")
    key: SecretKey = leaf("Key in the Secret.", "token")


class Authorization(Block):
    """How the scraper introduces itself."""

    type: Literal["Bearer"] = leaf("Scheme of the Authorization header.", "Bearer", default="Bearer")
    credentials: SecretKeyRef = leaf("Where the token is kept.", {"name": "scrape-token", "key": "token"})


class TlsConfig(Block):
    """How the target's certificate is checked and which one the scraper shows."""

    insecure_skip_verify: bool = leaf("Do not check the certificate.", False, default=False)
    server_name: ObjectName | None = leaf("Name that the certificate must carry.", "model.example.com", default=None)
    ca: SecretKeyRef | None = leaf("Authority that must have signed it.", {"name": "model-ca", "key": "ca.crt"},
                                   default=None)
    cert: SecretKeyRef | None = leaf("Client certificate.", {"name": "scraper", "key": "tls.crt"}, default=None)
    key_secret: SecretKeyRef | None = leaf("Client key.", {"name": "scraper", "key": "tls.key"}, default=None)


class StaticConfig(Block):
    """Targets that are not discovered."""

    targets: tuple[HostPort, ...] = leaf("Addresses, `host:port`.", ["ai-service:8000"])
    labels: Labels = leaf("Labels on their series.", {"zone": "eu-1"}, default={})


class Endpoint(Block):
    """One address of a pod that serves metrics: one dialect and one job."""

    name: DnsLabel = leaf("Name of the endpoint, part of the names of objects.", "gpu", default="default")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    port: Port | None = leaf("Number, or name of the container's (with `discovery: service` the Service's) port.", 8000,
                             default=None)
    path: HttpPath | None = leaf("Path of the metrics page; the catalog's unless given.", "/metrics", default=None)
    scheme: Literal["http", "https"] = leaf("Protocol.", "http", default="http")
    interval: Duration | None = leaf("Time between scrapes; the platform's unless given.", "15s", unit="duration",
                                     default=None)
    timeout: Duration | None = leaf("Longest time of a scrape, at most the interval.", "10s", unit="duration", default=None)
    authorization: Authorization | None = leaf("Credentials of the scraper.",
                                               {"credentials": {"name": "scrape-token", "key": "token"}}, default=None)
    tls_config: TlsConfig | None = leaf("TLS of the scrape.", {"serverName": "model.example.com"}, default=None)
    runtime: Word | None = leaf("Catalog entry whose metrics this endpoint serves, if not the service's runtime.",
                                "dcgm-exporter", default=None)
    job: Word | None = leaf("Value of the label `job`; the service's name, for a further endpoint `<service>-<endpoint>`.",
                            "gpu-metrics", default=None)
    static_configs: tuple[StaticConfig, ...] = leaf("Targets of this endpoint with `discovery: static`.",
                                                    [{"targets": ["gpu-exporter:9400"]}], default=())


class Series(Block):
    """A metric of the service's own."""

    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"signal": SIGNALS_LATER}

    name: MetricName = leaf("Name, for a histogram without `_bucket`.", "ai_inference_duration_seconds")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    type: Literal["counter", "gauge", "histogram", "summary"] = leaf("Type.", "histogram")
    unit: Literal["seconds", "milliseconds", "microseconds", "ratio", "percent", "bytes", "mebibytes", "requests", "tokens",
                  "celsius", "none"] = leaf("Unit of its values; percent is shown and compared as a ratio.", "seconds",
                                            default="none")
    labels: dict[LabelName, tuple[LabelValue, ...] | None] = leaf(
        "Labels of its own, each with the values that are known (or none).", {"status": ["success", "error"]}, default={})
    buckets: tuple[Bound, ...] = leaf("Finite bucket bounds of a histogram, in its unit.", [0.1, 0.5, 1, 5],
                                      unit="the series's", default=())
    signal: Signal | None = leaf("What it measures, in the vocabulary of signals.", "requestDuration", default=None)
    endpoint: DnsLabel = leaf("Endpoint that serves it.", "gpu", default="default")


class Metrics(Block):
    """Scraping and series."""

    later: ClassVar[Mapping[str, str]] = {
        "dropLabels": "labels that are not stored; leave them out where they are made"}
    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "discovery": {"otlp": "series that are pushed by OTLP; expose them, or write `none` with the matchers of those that are there"}}

    discovery: Literal["pods", "service", "static", "none"] | None = leaf(
        "How targets are found; `pods` unless given (`static` outside Kubernetes). `none`: they are scraped already.",
        "static", default=None)
    matchers: tuple[MatcherText, ...] = leaf(
        "Matchers that tell the service's series where `job` does not, for series that are scraped already.",
        ['app="support-chat"'], default=())
    pod_target_labels: tuple[KubeLabelKey, ...] = leaf(
        "Labels of the pods that are copied to their series; every character that series do not know becomes `_`.",
        ["app.kubernetes.io/version"], default=())
    drop_metrics: tuple[MetricGlob, ...] = leaf("Metrics that are not stored. What a rule or a panel reads cannot be dropped.",
                                                ["python_gc_*"], default=())
    series_budget: Annotated[int, Field(ge=1, le=10_000_000)] | None = leaf(
        "Most series that the service may have, all replicas together, as its runtime's release, models, buckets and own series let "
        "estimate; more is an error. None unless given: a platform gives one in `defaults`, or in `enforced`.", 5000, unit="series",
        default=None)
    service_selector: KubeLabels | None = leaf("Labels of the Service with `discovery: service`; the pods' unless given.",
                                               {"app": "support-chat"}, default=None)
    static_configs: tuple[StaticConfig, ...] = leaf("Targets with `discovery: static`.",
                                                    [{"targets": ["ai-service:8000"]}], default=())
    endpoints: tuple[Endpoint, ...] = leaf("Endpoints; the catalog's unless given.", [{"port": 8000}], default=())
    series: tuple[Series, ...] = leaf("Metrics of the service's own.",
                                      [{"name": "ai_model_accuracy", "type": "gauge", "unit": "ratio"}], default=())
