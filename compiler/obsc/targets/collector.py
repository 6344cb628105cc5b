"""The OpenTelemetry Collector: OTLP in, content deleted, private values masked, traces sampled, OTLP to Jaeger.

Tail sampling judges whole traces, so all spans of a trace must reach one replica. With several replicas each of them
is both tiers: what applications send is cleaned and then routed by trace id, over the Service that resolves to every
pod, to the replica that judges the trace.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode
from obsc.catalog import Catalog
from obsc.catalog.versions import at_least
from obsc.emit import Artifact
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_backends import Collector
from obsc.targets._collector_objects import GRPC, HEADLESS, HEALTH, HTTP, METRICS, TIER, objects
from obsc.targets._sampling import tail_sampling
from obsc.targets._spans import redaction, transform

Data = dict[str, object]
# Components that changed their names, and the release that knows the new one. The old name stays an alias for a while,
# so a release too many costs a warning and one too few a Collector that does not start.
_RENAMED = {
    "otlp": ("otlp_grpc", (0, 144)),  # core change log 0.144.0
    "k8sattributes": ("k8s_attributes", (0, 146)),  # metadata.yaml of the module at 0.145.0 and 0.146.0
    "loadbalancing": ("load_balancing", (0, 155)),  # contrib pull request 48533, about 0.153
}
_RETRY: Data = {"enabled": True, "initial_interval": "5s", "max_interval": "30s", "max_elapsed_time": "300s"}


def link(environment: str, parts: Sequence[Part], platform: AIPlatform, _: Catalog) -> tuple[Artifact, ...]:
    """The Collector's configuration and what runs it, if the platform collects traces."""
    said = platform.collector
    if said is None or platform.jaeger is None:
        return ()
    data = configuration(environment, parts, said, platform)
    where = conventions.PLATFORM
    found = objects(data, said, platform)
    manifests = (Artifact(conventions.manifests(environment, where, name), one) for name, one in found.items())
    return (*manifests, Artifact(conventions.artifacts(environment, where, "collector.yaml"), data))


def configuration(environment: str, parts: Sequence[Part], said: Collector, platform: AIPlatform) -> Data:
    """The Collector's configuration: one form for the ConfigMap and for the operator's object."""
    jaeger, enrich = _name(said, "otlp", "jaeger"), _name(said, "k8sattributes")
    clean = ["memory_limiter", enrich, "resource", "transform/content", "redaction"]
    receivers: Data = {"otlp": {"protocols": {"grpc": {"endpoint": conventions.pod_port(GRPC)},
                                              "http": {"endpoint": conventions.pod_port(HTTP)}}}}
    exporters: Data = {jaeger: _jaeger(platform)}
    pipelines: Data = {"traces": {"receivers": ["otlp"], "processors": [*clean, "tail_sampling"], "exporters": [jaeger]}}
    if said.replicas > 1:
        route = _name(said, "loadbalancing")
        receivers["otlp/tier"] = {"protocols": {"grpc": {"endpoint": conventions.pod_port(TIER)}}}
        exporters[route] = _routed(platform.metadata.namespace)
        pipelines = {"traces/in": {"receivers": ["otlp"], "processors": clean, "exporters": [route]},
                     "traces/tier": {"receivers": ["otlp/tier"], "processors": ["memory_limiter", "tail_sampling"],
                                     "exporters": [jaeger]}}
    return {
        "extensions": {"health_check": {"endpoint": conventions.pod_port(HEALTH)}},
        "receivers": receivers,
        "processors": {
            # First in every pipeline, and on: its default interval of zero switches it off.
            "memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
            enrich: _enriched(), "resource": _resource(environment, platform), "transform/content": transform(parts),
            "redaction": redaction(), "tail_sampling": tail_sampling(parts, platform)},
        "exporters": exporters,
        "service": {"extensions": ["health_check"], "telemetry": _telemetry(), "pipelines": pipelines}}


def _name(said: Collector, component: str, label: str = "") -> str:
    new, since = _RENAMED[component]
    return conventions.component(new if at_least(said.version, *since) else component, label)


def _jaeger(platform: AIPlatform) -> Data:
    assert platform.jaeger is not None
    return {"endpoint": encode.collector(platform.jaeger.endpoint),
            # Over TLS the system's authorities decide.
            "tls": {"insecure": platform.policy.allow_insecure}, "timeout": "10s", "retry_on_failure": _RETRY,
            "sending_queue": {"enabled": True, "queue_size": 5000}}


def _routed(namespace: str) -> Data:
    """From replica to replica, inside the cluster: what goes this way is cleaned already. The queue stands before the
    choice of a replica, so that what one that went away did not take goes to its heir.
    """
    return {"routing_key": "traceID", "protocol": {"otlp": {"timeout": "5s", "tls": {"insecure": True}}},
            "resolver": {"dns": {"hostname": conventions.headless(HEADLESS, namespace), "port": str(TIER), "interval": "5s"}},
            "retry_on_failure": _RETRY, "sending_queue": {"enabled": True, "queue_size": 5000}}


def _enriched() -> Data:
    return {"auth_type": "serviceAccount", "passthrough": False,
            "extract": {"metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.deployment.name",
                                     "k8s.node.name"]},
            "pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
                                {"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]},
                                {"sources": [{"from": "connection"}]}]}


def _resource(environment: str, platform: AIPlatform) -> Data:
    return {"attributes": [{"key": "deployment.environment.name", "action": "upsert",
                            "value": encode.collector(platform.environment or environment)}]}


def _telemetry() -> Data:
    return {"logs": {"level": "info", "encoding": "json"},
            "metrics": {"level": "normal", "readers": [
                {"pull": {"exporter": {"prometheus": {"host": "${env:POD_IP}", "port": METRICS}}}}]}}
