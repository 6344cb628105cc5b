"""Prometheus by its operator: PrometheusRule, and one PodMonitor, ServiceMonitor or ScrapeConfig per endpoint.

Only fields that the definitions of operator 0.85 know. The relabellings give every series the same `job`,
`namespace` and `service` labels as with configuration files, so that one set of rules fits both.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s
from obsc.catalog.versions import at_least
from obsc.emit import Artifact
from obsc.ir import Discovery, ProbeJob, Requirement, ScrapeJob, SecretRef, Service, Tls
from obsc.spec.platform import AIPlatform
from obsc.targets._rules import pieces

Data = dict[str, object]
_SHARD = "obsc.dev/shard"  # each of several Prometheus objects selects the services of one
_TEXT = "PrometheusText0.0.4"
_SAMPLES, _TARGETS, _LABELS, _LABEL_NAME, _LABEL_VALUE = 20000, 500, 60, 200, 2000


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """The objects of a service, in its own namespace."""
    if platform.prometheus.flavor != "operator":
        return ()
    objects = [(conventions.piece_file("prometheusrule.yaml", piece), _object(
        "v1", "PrometheusRule", conventions.pieced(service.identity.name, piece), service, platform, {"groups": groups}))
        for piece, groups in (pieces(service, platform) if platform.prometheus.rules == "flavor" else ())]
    for job in service.jobs:
        kind, version, spec = _monitor(job, platform)
        whose = (job.component, job.endpoint) if job.component else (job.endpoint,)
        # Another service may be called as this one's component or endpoint is, or as both together are.
        name = k8s.object_name(service.identity.name, *(whose if whose != ("default",) else ()), joint=".")
        file = conventions.manifest_file(k8s.object_name("scrape", k8s.object_name(*whose, joint=".")))
        objects.append((file, _object(version, kind, name, service, platform, spec)))
    for probe in service.probes:
        file = conventions.manifest_file(k8s.object_name("probe", probe.probe))
        name = k8s.object_name(service.identity.name, probe.probe, joint=".")
        objects.append((file, _object("v1", "Probe", name, service, platform, _probe(probe, platform))))
    folder = (service.identity.namespace, service.identity.name)
    return tuple(Artifact(conventions.manifests(service.identity.environment, *folder, file), data)
                 for file, data in objects)


def _object(version: str, kind: str, name: str, service: Service, platform: AIPlatform, spec: Data) -> Data:
    group = conventions.api_version(platform.prometheus.api_group, version)
    count = platform.prometheus.shards
    shard = {_SHARD: str(conventions.shard(service.identity, count))} if count > 1 else {}
    own = k8s.labels(service.identity.name, more={**dict(service.labels), **platform.prometheus.labels, **shard})
    return k8s.obj(group, kind, name, service.identity.namespace, own_labels=own, spec=spec)


def _monitor(job: ScrapeJob, platform: AIPlatform) -> tuple[str, str, Data]:
    if job.discovery is Discovery.STATIC:
        return "ScrapeConfig", "v1alpha1", _static(job, platform)
    limits: Data = {"sampleLimit": _SAMPLES, "targetLimit": _TARGETS, "labelLimit": _LABELS,
                    "labelNameLengthLimit": _LABEL_NAME, "labelValueLengthLimit": _LABEL_VALUE}
    spec: Data = {"selector": _selector(job.selector), "namespaceSelector": _namespaces(job.namespaces), **_protocol(platform), **limits}
    endpoint: Data = {**_port(job), "path": job.path, "scheme": job.scheme, "interval": conventions.seconds(job.interval),
                      "scrapeTimeout": conventions.seconds(job.timeout), "honorLabels": False,
                      **_credentials(job), "relabelings": _relabelling(job), **_dropped(job)}
    if job.discovery is Discovery.PODS:
        return "PodMonitor", "v1", {**spec, "podMetricsEndpoints": [endpoint]}
    return "ServiceMonitor", "v1", {**spec, "endpoints": [endpoint]}


def _selector(wanted: Sequence[Requirement]) -> Data:
    """Labels by value, and by an expression where there are several values or any."""
    exact = {one.key: one.values[0] for one in wanted if len(one.values) == 1}
    open_ = [{"key": one.key, "operator": "In", "values": list(one.values)} if one.values else {"key": one.key, "operator": "Exists"}
             for one in wanted if len(one.values) != 1]
    return {**({"matchLabels": exact} if exact else {}), **({"matchExpressions": open_} if open_ else {})}


def _namespaces(names: Sequence[str]) -> Data:
    """The definition knows no globs: with one every namespace is seen, and what is in others is dropped."""
    return {"any": True} if conventions.globs(names) else {"matchNames": list(names)}


def _probe(probe: ProbeJob, platform: AIPlatform) -> Data:
    steps = [{"action": "replace", "targetLabel": label, "replacement": encode.relabel_replacement(value)}
             for label, value in (("job", probe.job), *probe.labels)]
    return {"jobName": probe.name, "interval": conventions.seconds(probe.interval), "scrapeTimeout": conventions.seconds(probe.timeout),
            "module": probe.module, "prober": {"url": probe.address, "scheme": "http", "path": "/probe"}, **_protocol(platform),
            "sampleLimit": _SAMPLES, "targets": {"staticConfig": {"static": [probe.url], "relabelingConfigs": steps}}}


def _protocol(platform: AIPlatform) -> Data:
    return {"fallbackScrapeProtocol": _TEXT} if at_least(platform.prometheus.version, 3) else {}


def _port(job: ScrapeJob) -> Data:
    if job.port is None:
        return {}
    if isinstance(job.port, str):
        return {"port": job.port}
    return {"portNumber": job.port} if job.discovery is Discovery.PODS else {"targetPort": job.port}


def _static(job: ScrapeJob, platform: AIPlatform) -> Data:
    return {
        "jobName": job.name, "scheme": job.scheme.upper(), "metricsPath": job.path,
        "scrapeInterval": conventions.seconds(job.interval), "scrapeTimeout": conventions.seconds(job.timeout),
        **_protocol(platform), "sampleLimit": _SAMPLES, "targetLimit": _TARGETS, "labelLimit": _LABELS,
        "labelNameLengthLimit": _LABEL_NAME, "labelValueLengthLimit": _LABEL_VALUE,
        "staticConfigs": [{"targets": list(one.addresses), **({"labels": dict(one.labels)} if one.labels else {})}
                          for one in job.targets],
        **_credentials(job), "relabelings": _relabelling(job), **_dropped(job)}


def _dropped(job: ScrapeJob) -> Data:
    steps = [{"action": "drop", "sourceLabels": ["__name__"], "regex": pattern} for pattern in job.dropped]
    return {"metricRelabelings": steps} if steps else {}


def _credentials(job: ScrapeJob) -> Data:
    data: Data = {}
    if job.bearer is not None:
        data["authorization"] = {"type": "Bearer", "credentials": _secret(job.bearer)}
    if job.tls is not None:
        data["tlsConfig"] = _tls(job.tls)
    return data


def _secret(secret: SecretRef) -> Data:
    return {"name": secret.name, "key": secret.key}


def _tls(tls: Tls) -> Data:
    data: Data = {}
    for key, secret in (("ca", tls.ca), ("cert", tls.cert)):
        if secret is not None:
            data[key] = {"secret": _secret(secret)}
    if tls.key is not None:
        data["keySecret"] = _secret(tls.key)
    if tls.server_name:
        data["serverName"] = tls.server_name
    return {**data, "insecureSkipVerify": tls.insecure_skip_verify}


def _relabelling(job: ScrapeJob) -> list[Data]:
    kind = "pod" if job.discovery is Discovery.PODS else "service"
    steps: list[Data] = [_keep(conventions.meta_label(kind, one.key), one.pattern) for one in job.selector if one.pattern]
    if job.discovery is not Discovery.STATIC and conventions.globs(job.namespaces):
        steps.append(_keep("__meta_kubernetes_namespace", encode.re2_namespaces(job.namespaces)))
    if job.pods:
        steps.append(_keep("__meta_kubernetes_pod_name", job.pods))
    if job.discovery is not Discovery.STATIC and job.scattered:
        steps.append({"action": "replace", "sourceLabels": ["__meta_kubernetes_namespace"], "targetLabel": "namespace"})
    if job.discovery is not Discovery.STATIC:
        steps.append({"action": "replace", "sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"})
    steps += [{"action": "replace", "sourceLabels": [conventions.meta_label("pod", key)], "targetLabel": encode.series_label(key)}
              for key in job.pod_labels]
    return steps + [{"action": "replace", "targetLabel": label, "replacement": encode.relabel_replacement(value)}
                    for label, value in (("job", job.job), *job.labels)]


def _keep(label: str, regex: str) -> Data:
    return {"action": "keep", "sourceLabels": [label], "regex": regex}
