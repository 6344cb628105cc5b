"""The OpenTelemetry Collector: OTLP in, content deleted, private values masked, traces sampled, OTLP to Jaeger.

It cannot reload, so its configuration changes as rarely as possible: sampling policies are grouped into classes,
and a service with the usual policy is in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s, privacy
from obsc.emit import Artifact, to_yaml
from obsc.ir import TracePolicy
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_backends import Collector

Data = dict[str, object]
_Class = tuple[float, bool, float | None]
_NAME = "otel-collector"
_USUAL: _Class = (0.05, True, None)
# Long enough for a long generation to end before its trace is judged.
_DECISION = "60s"
_TRACES = 50000
_SECRET_KEYS = r"(?i)^(.*[._-])?(authorization|api[._-]?key|password|passwd|secret|cookie)$"
# Component names: since which release the new one is known.
_RENAMED = {"otlp": ("otlp_grpc", (0, 144)), "k8sattributes": ("k8s_attributes", (0, 146)),
            "loadbalancing": ("load_balancing", (0, 153))}
_TIER = 14317


def link(environment: str, parts: Sequence[Part], platform: AIPlatform) -> tuple[Artifact, ...]:
    """The Collector's configuration and what runs it, if the platform collects traces."""
    said = platform.collector
    if said is None or platform.jaeger is None:
        return ()
    policies = [part.traces for part in parts if part.traces is not None]
    data = _configuration(environment, policies, said, platform)
    flavor = said.flavor or platform.prometheus.flavor
    objects = _operated(data, said, platform) if flavor == "operator" else _deployed(data, said, platform)
    objects |= _rights(platform.metadata.namespace)
    found = [Artifact(conventions.manifests(environment, conventions.PLATFORM, name), one) for name, one in objects.items()]
    plain = Artifact(conventions.artifacts(environment, conventions.PLATFORM, "collector.yaml"), data)
    return (*found, plain)


def _name(said: Collector, component: str, label: str = "") -> str:
    new, since = _RENAMED.get(component, (component, (0,)))
    name = new if conventions.at_least(said.version, *since) else component
    return conventions.component(name, label)


def _configuration(environment: str, policies: Sequence[TracePolicy], said: Collector, platform: AIPlatform) -> Data:
    tiers = said.replicas > 1
    jaeger, enrich = _name(said, "otlp", "jaeger"), _name(said, "k8sattributes")
    clean = ["memory_limiter", enrich, "resource", "transform/content", "redaction"]
    receivers: Data = {"otlp": _receiver(4317, 4318)}
    exporters: Data = {jaeger: _jaeger(platform)}
    if tiers:
        # All spans of a trace must be judged by one replica: the first tier sends each trace to its own.
        route = _name(said, "loadbalancing")
        receivers["otlp/tier"] = {"protocols": {"grpc": {"endpoint": conventions.pod_port(_TIER)}}}
        exporters[route] = {"routing_key": "traceID", "protocol": {"otlp": {"tls": {"insecure": True}}},
                            "resolver": {"dns": {"hostname": conventions.headless(_NAME, platform.metadata.namespace),
                                                 "port": str(_TIER)}}}
        pipelines: Data = {
            "traces/in": {"receivers": ["otlp"], "processors": clean, "exporters": [route]},
            "traces/sampled": {"receivers": ["otlp/tier"], "processors": ["memory_limiter", "tail_sampling"],
                               "exporters": [jaeger]}}
    else:
        pipelines = {"traces": {"receivers": ["otlp"], "processors": [*clean, "tail_sampling"], "exporters": [jaeger]}}
    return {
        "extensions": {"health_check": {"endpoint": conventions.pod_port(13133)}},
        "receivers": receivers,
        "processors": {"memory_limiter": {"check_interval": "1s", "limit_percentage": 80, "spike_limit_percentage": 20},
                       enrich: _enriched(), "resource": _resource(environment, platform), "transform/content": _content(),
                       "redaction": _redaction(policies), "tail_sampling": _sampling(policies)},
        "exporters": exporters,
        "service": {"extensions": ["health_check"], "telemetry": _telemetry(), "pipelines": pipelines}}


def _receiver(grpc: int, http: int) -> Data:
    return {"protocols": {"grpc": {"endpoint": conventions.pod_port(grpc)}, "http": {"endpoint": conventions.pod_port(http)}}}


def _jaeger(platform: AIPlatform) -> Data:
    assert platform.jaeger is not None
    tls: Data = {"insecure": True} if platform.policy.allow_insecure else {"insecure": False}
    return {"endpoint": encode.collector(platform.jaeger.endpoint), "tls": tls,
            "retry_on_failure": {"enabled": True, "max_elapsed_time": "300s"},
            "sending_queue": {"enabled": True, "queue_size": 5000}}


def _enriched() -> Data:
    return {"auth_type": "serviceAccount", "passthrough": False,
            "extract": {"metadata": ["k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.deployment.name", "k8s.node.name"]},
            "pod_association": [{"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
                                {"sources": [{"from": "resource_attribute", "name": "k8s.pod.ip"}]},
                                {"sources": [{"from": "connection"}]}]}


def _resource(environment: str, platform: AIPlatform) -> Data:
    return {"attributes": [{"key": "deployment.environment.name", "value": platform.environment or environment,
                            "action": "upsert"}]}


def _content() -> Data:
    """Content goes whole: a mask would miss names and addresses. Spans and their events are separate contexts."""
    targets = (("resource", "resource.attributes"), ("span", "span.attributes"), ("spanevent", "spanevent.attributes"))
    return {"error_mode": "propagate", "trace_statements": [
        {"context": context, "statements": [encode.ottl_delete_keys(target, pattern) for pattern in privacy.CONTENT_ATTRIBUTES]}
        for context, target in targets]}


def _redaction(policies: Sequence[TracePolicy]) -> Data:
    wanted = {mask.name for policy in policies for mask in policy.masks} | {"secret", "email", "card", "iban", "phone"}
    return {"allow_all_keys": True, "redact_all_types": True, "blocked_key_patterns": [encode.collector(_SECRET_KEYS)],
            "blocked_values": [encode.collector(privacy.MASKS[name].pattern) for name in privacy.ORDER if name in wanted],
            "summary": "silent"}


def _sampling(policies: Sequence[TracePolicy]) -> Data:
    """Any policy that wants a trace keeps it. Services of a class of their own are taken out of the usual one."""
    classes: dict[_Class, list[str]] = {}
    for policy in policies:
        key = (policy.baseline, policy.keep_errors, policy.slower_than)
        if key != _USUAL:
            classes.setdefault(key, []).append(policy.service)
    special = sorted({name for names in classes.values() for name in names})
    rules = _class_rules("usual", _USUAL, encode.ottl_is_not_service(special) if special else "")
    for number, key in enumerate(sorted(classes, key=lambda one: (one[0], one[1], one[2] or 0)), 1):
        rules += _class_rules(conventions.numbered_class(number), key, encode.ottl_is_service(sorted(set(classes[key]))))
    return {"decision_wait": _DECISION, "num_traces": _TRACES, "policies": rules}


def _class_rules(name: str, key: _Class, condition: str) -> list[Data]:
    baseline, errors, slow = key
    rules: list[Data] = []
    if errors:
        rules.append({"name": conventions.policy(name, "errors"), "type": "status_code", "status_code": {"status_codes": ["ERROR"]}})
    if slow is not None:
        rules.append({"name": conventions.policy(name, "slow"), "type": "latency", "latency": {"threshold_ms": round(slow * 1000)}})
    rules.append({"name": conventions.policy(name, "baseline"), "type": "probabilistic",
                  "probabilistic": {"sampling_percentage": round(baseline * 100, 4)}})
    return [_limited(rule, condition) for rule in rules] if condition else rules


def _limited(rule: Data, condition: str) -> Data:
    of_class: Data = {"name": conventions.policy(str(rule["name"]), "services"), "type": "ottl_condition",
                      "ottl_condition": {"error_mode": "ignore", "span": [condition]}}
    inner = {**rule, "name": conventions.policy(str(rule["name"]), "rule")}
    return {"name": rule["name"], "type": "and", "and": {"and_sub_policy": [of_class, inner]}}


def _telemetry() -> Data:
    return {"logs": {"level": "info", "encoding": "json"}, "metrics": {"level": "normal", "readers": [
        {"pull": {"exporter": {"prometheus": {"host": "${env:POD_IP}", "port": 8888}}}}]}}


def _ports(said: Collector) -> list[tuple[str, int]]:
    ports = [("otlp-grpc", 4317), ("otlp-http", 4318), ("metrics", 8888), ("health", 13133)]
    return [*ports, ("otlp-tier", _TIER)] if said.replicas > 1 else ports


def _image(said: Collector) -> str:
    return conventions.image("otel/opentelemetry-collector-contrib", said.version)


_RESOURCES: Data = {"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}
_ENVIRONMENT: list[Data] = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                            {"name": "GOMEMLIMIT", "value": "820MiB"}]


def _operated(data: Data, said: Collector, platform: AIPlatform) -> dict[str, Data]:
    spec: Data = {
        "mode": "deployment", "replicas": said.replicas, "image": _image(said), "managementState": "managed",
        "upgradeStrategy": "none", "serviceAccount": _NAME, "env": _ENVIRONMENT,
        "podSecurityContext": k8s.POD_SECURITY, "securityContext": k8s.CONTAINER_SECURITY, "resources": _RESOURCES,
        "config": data}
    if said.replicas > 1:
        spec["podDisruptionBudget"] = {"maxUnavailable": 1}
        # The operator makes a headless Service of every declared port, which is what the first tier resolves.
        spec["ports"] = [{"name": "otlp-tier", "port": _TIER, "targetPort": _TIER, "protocol": "TCP"}]
    own = k8s.labels(_NAME)
    namespace = platform.metadata.namespace
    objects = {"collector.yaml": k8s.obj("opentelemetry.io/v1beta1", "OpenTelemetryCollector", _NAME, namespace,
                                         own_labels=own, spec=spec)}
    if said.replicas > 1:
        objects["collector-headless.yaml"] = _service(conventions.headless_name(_NAME), namespace, said, headless=True,
                                                      selector=conventions.operated_collector(namespace, _NAME))
    return objects


def _deployed(data: Data, said: Collector, platform: AIPlatform) -> dict[str, Data]:
    namespace, text = platform.metadata.namespace, to_yaml(data)
    chosen = {"app.kubernetes.io/name": _NAME}
    objects = {
        "collector-config.yaml": k8s.config_map("otel-collector-config", namespace, {"collector.yaml": text}),
        "collector-deployment.yaml": k8s.obj(
            "apps/v1", "Deployment", _NAME, namespace, own_labels=k8s.labels(_NAME),
            spec={"replicas": said.replicas, "selector": {"matchLabels": chosen},
                  "template": {"metadata": {"labels": k8s.labels(_NAME), "annotations": {"checksum/config": k8s.checksum(text)}},
                               "spec": _pod(said)}}),
        "collector-service.yaml": _service(_NAME, namespace, said, headless=False, selector=chosen)}
    if said.replicas > 1:
        objects["collector-headless.yaml"] = _service(conventions.headless_name(_NAME), namespace, said, headless=True,
                                                      selector=chosen)
        objects["collector-pdb.yaml"] = k8s.obj("policy/v1", "PodDisruptionBudget", _NAME, namespace,
                                                own_labels=k8s.labels(_NAME),
                                                spec={"maxUnavailable": 1, "selector": {"matchLabels": chosen}})
    return objects


def _service(name: str, namespace: str, said: Collector, *, headless: bool, selector: dict[str, str]) -> Data:
    ports = [{"name": port, "port": number, "targetPort": number, "protocol": "TCP"} for port, number in _ports(said)
             if port != "health" and (port != "otlp-tier" or headless)]
    spec: Data = {"type": "ClusterIP", **({"clusterIP": "None"} if headless else {}), "selector": selector, "ports": ports}
    return k8s.obj("v1", "Service", name, namespace, own_labels=k8s.labels(_NAME), spec=spec)


def _pod(said: Collector) -> Data:
    health = {"httpGet": {"path": "/", "port": "health"}}
    return {
        "serviceAccountName": _NAME, "automountServiceAccountToken": True, "securityContext": k8s.POD_SECURITY,
        "terminationGracePeriodSeconds": 90,
        "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
                                       "labelSelector": {"matchLabels": {"app.kubernetes.io/name": _NAME}}}],
        "containers": [{
            "name": "collector", "image": _image(said), "args": ["--config=/etc/otel/collector.yaml"], "env": _ENVIRONMENT,
            "ports": [{"name": name, "containerPort": number, "protocol": "TCP"} for name, number in _ports(said)],
            "securityContext": k8s.CONTAINER_SECURITY, "resources": _RESOURCES,
            "livenessProbe": {**health, "initialDelaySeconds": 10, "periodSeconds": 15},
            "readinessProbe": {**health, "periodSeconds": 5},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/otel", "readOnly": True}]}],
        "volumes": [{"name": "config", "configMap": {"name": "otel-collector-config"}}]}


def _rights(namespace: str) -> dict[str, Data]:
    return {
        "collector-serviceaccount.yaml": k8s.service_account(_NAME, namespace, token=True),
        "collector-clusterrole.yaml": k8s.cluster_role(_NAME, [k8s.read_rule([""], ["pods", "namespaces"]),
                                                               k8s.read_rule(["apps"], ["replicasets"])]),
        "collector-clusterrolebinding.yaml": k8s.cluster_role_binding(_NAME, _NAME, namespace)}
