"""What runs a Collector: by plain objects, or by the operator's OpenTelemetryCollector.

Both give the same address to applications, `otel-collector:4317` and `:4318` in the platform's namespace: the operator
calls the Services of a Collector `<name>-collector` and `<name>-collector-headless`.
"""

from __future__ import annotations

from obsc import conventions, k8s
from obsc.emit import to_yaml
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_backends import Collector

Data = dict[str, object]
GRPC, HTTP, TIER, METRICS, HEALTH = 4317, 4318, 14317, 8888, 13133
NAME, HEADLESS, _OPERATED = "otel-collector", "otel-collector-headless", "otel"
_CONFIG = "otel-collector-config"
_CHOSEN: Data = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": "obsc"}
_RESOURCES: Data = {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
_ENVIRONMENT: list[Data] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                            # Four fifths of the memory limit: the collector of garbage works before the kernel does.
                            {"name": "GOMEMLIMIT", "value": "819MiB"}]
# Undecided traces are judged early when a replica ends, and must still reach Jaeger.
_GRACE = 60


def objects(data: Data, said: Collector, platform: AIPlatform) -> dict[str, Data]:
    """Manifests by file name: the workload of the wanted flavor, and its rights."""
    namespace = platform.metadata.namespace
    operated = (said.flavor or platform.prometheus.flavor) == "operator"
    role = k8s.object_name("obsc", namespace, NAME)
    return {
        **(_by_operator(data, said, namespace) if operated else _plain(data, said, namespace)),
        "collector-serviceaccount.yaml": k8s.service_account(NAME, namespace, token=True),
        "collector-clusterrole.yaml": k8s.cluster_role(role, [k8s.read_rule([""], ["pods", "namespaces"]),
                                                              k8s.read_rule(["apps"], ["replicasets"])]),
        "collector-clusterrolebinding.yaml": k8s.cluster_role_binding(role, NAME, namespace)}


def _by_operator(data: Data, said: Collector, namespace: str) -> dict[str, Data]:
    spec: Data = {
        "mode": "deployment", "replicas": said.replicas, "image": _image(said), "managementState": "managed",
        # What runs is what is committed: the operator must not rewrite the configuration for a newer Collector.
        "upgradeStrategy": "none", "serviceAccount": NAME, "env": _ENVIRONMENT,
        "podSecurityContext": k8s.POD_SECURITY, "securityContext": k8s.CONTAINER_SECURITY, "resources": _RESOURCES,
        "terminationGracePeriodSeconds": _GRACE}
    pods: Data = {"app.kubernetes.io/component": "opentelemetry-collector",
                  "app.kubernetes.io/instance": conventions.instance(namespace, _OPERATED)}
    if said.replicas > 1:
        # Policies add up: that of the operator, on by default since 0.158, admits everybody to the port between the tiers.
        spec |= {"podDisruptionBudget": {"maxUnavailable": 1}, "topologySpreadConstraints": [_spread(pods)],
                 "networkPolicy": {"enabled": False}}
    found = {"collector.yaml": k8s.obj("opentelemetry.io/v1beta1", "OpenTelemetryCollector", _OPERATED, namespace,
                                       own_labels=k8s.labels(NAME), spec={**spec, "config": data})}
    return {**found, **(_closed(namespace, pods) if said.replicas > 1 else {})}


def _closed(namespace: str, pods: Data) -> dict[str, Data]:
    """The port between the tiers is for the replicas alone: what comes in there has been cleaned."""
    return {"collector-networkpolicy.yaml": k8s.obj(
        "networking.k8s.io/v1", "NetworkPolicy", NAME, namespace, own_labels=k8s.labels(NAME), spec=_ingress(pods))}


def _plain(data: Data, said: Collector, namespace: str) -> dict[str, Data]:
    text = to_yaml(data)
    template = {"metadata": {"labels": k8s.labels(NAME), "annotations": {"checksum/config": k8s.checksum(text)}},
                "spec": _pod(said)}
    found = {
        "collector-config.yaml": k8s.config_map(_CONFIG, namespace, {"collector.yaml": text}),
        "collector-deployment.yaml": k8s.obj(
            "apps/v1", "Deployment", NAME, namespace, own_labels=k8s.labels(NAME),
            spec={"replicas": said.replicas, "selector": {"matchLabels": _CHOSEN}, "template": template}),
        "collector-service.yaml": _service(NAME, namespace, {"type": "ClusterIP"}, (
            ("otlp-grpc", GRPC), ("otlp-http", HTTP), ("metrics", METRICS)))}
    if said.replicas > 1:
        found |= {
            "collector-headless.yaml": _service(HEADLESS, namespace, {"clusterIP": "None"}, (("otlp-tier", TIER),)),
            "collector-poddisruptionbudget.yaml": k8s.obj(
                "policy/v1", "PodDisruptionBudget", NAME, namespace, own_labels=k8s.labels(NAME),
                spec={"maxUnavailable": 1, "selector": {"matchLabels": _CHOSEN}}),
            **_closed(namespace, _CHOSEN)}
    return found


def _service(name: str, namespace: str, kind: Data, ports: tuple[tuple[str, int], ...]) -> Data:
    listed = [{"name": port, "port": number, "targetPort": number, "protocol": "TCP"} for port, number in ports]
    return k8s.obj("v1", "Service", name, namespace, own_labels=k8s.labels(NAME),
                   spec={**kind, "selector": _CHOSEN, "ports": listed})


def _ingress(pods: Data) -> Data:
    """Only replicas hand each other spans past the first tier, where content is deleted; the other ports are for all."""
    open_ports = [{"port": port, "protocol": "TCP"} for port in (GRPC, HTTP, METRICS, HEALTH)]
    return {"podSelector": {"matchLabels": pods}, "policyTypes": ["Ingress"], "ingress": [
        {"ports": open_ports},
        {"from": [{"podSelector": {"matchLabels": pods}}], "ports": [{"port": TIER, "protocol": "TCP"}]}]}


def _pod(said: Collector) -> Data:
    return {
        "serviceAccountName": NAME, "automountServiceAccountToken": True, "terminationGracePeriodSeconds": _GRACE,
        "securityContext": k8s.POD_SECURITY,
        **({"topologySpreadConstraints": [_spread(_CHOSEN)]} if said.replicas > 1 else {}),
        "containers": [_container(said)],
        "volumes": [{"name": "config", "configMap": {"name": _CONFIG}}]}


def _container(said: Collector) -> Data:
    health: Data = {"httpGet": {"path": "/", "port": "health"}}
    alive: Data = {**health, "initialDelaySeconds": 10, "periodSeconds": 15, "failureThreshold": 4}
    ready: Data = {**health, "periodSeconds": 5}
    ports = (("otlp-grpc", GRPC), ("otlp-http", HTTP), *((("otlp-tier", TIER),) if said.replicas > 1 else ()),
             ("metrics", METRICS), ("health", HEALTH))
    return {
        "name": "collector", "image": _image(said), "args": ["--config=/etc/otel-collector/collector.yaml"],
        "env": _ENVIRONMENT, "ports": [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in ports],
        "securityContext": k8s.CONTAINER_SECURITY, "resources": _RESOURCES, "livenessProbe": alive, "readinessProbe": ready,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/otel-collector", "readOnly": True}]}


def _spread(labels: Data) -> Data:
    return {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": labels}}


def _image(said: Collector) -> str:
    """The distribution with all components; the one for Kubernetes would do too, the core one lacks most of these."""
    return conventions.image("otel/opentelemetry-collector-contrib", said.version)
