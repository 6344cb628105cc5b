"""Prometheus by configuration files: a scrape and a rule file per service, the base file and shards at link time.

Prometheus itself is run by somebody else: it mounts the ConfigMaps, projected into two folders, and uses the
ServiceAccount whose rights the scrapes need.
"""

from __future__ import annotations

from collections.abc import Sequence

from obsc import conventions, encode, k8s, promql, sizes
from obsc.catalog import Catalog
from obsc.catalog.profile import Profile
from obsc.catalog.versions import at_least
from obsc.emit import Artifact, Recipe, to_yaml
from obsc.ir import Discovery, ProbeJob, Requirement, ScrapeJob, SecretRef, Service, Tls
from obsc.part import RULES, SCRAPE, Part
from obsc.pieces import Sized, divide
from obsc.spec.platform import AIPlatform
from obsc.spec.platform_backends import Addressed, RemoteWrite, Scraped
from obsc.targets._alert_tests import tests
from obsc.targets._rules import pieces
from obsc.targets._shards import config_maps, of_parts

Data = dict[str, object]
_TEXT = "PrometheusText0.0.4"
# Far above what one target of a model server has, low enough that a runaway label stops its own job first.
_SAMPLES, _TARGETS, _LABELS, _LABEL_NAME, _LABEL_VALUE = 20000, 500, 60, 200, 2000
_ACCOUNT = "prometheus-obsc"
_REPLICA = "prometheus_replica"  # tells servers apart; alerts must not have it, or each would notify
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105  a path
_AUTHORITY = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """rules.yaml for every flavor (people and checkers read it), scrape.yaml where Prometheus reads files; large ones in pieces."""
    folder = (service.identity.environment, service.identity.namespace, service.identity.name)
    found = [Artifact(conventions.artifacts(*folder, conventions.piece_file(RULES, piece)), {"groups": groups})
             for piece, groups in pieces(service, platform)]
    found += tests(service, platform, [one.path for one in found])
    if platform.prometheus.flavor == "config" and (service.jobs or service.probes):
        jobs = [*(_job(job, platform) for job in service.jobs), *(_probe(one, platform) for one in service.probes)]
        found += [Artifact(conventions.artifacts(*folder, conventions.piece_file(SCRAPE, piece)), {"scrape_configs": list(some)})
                  for piece, some in divide(jobs, _measure)]
    return tuple(found)


def _measure(job: Data) -> Sized:
    return Sized(str(job["job_name"]), sizes.plain_size(job))


def link(environment: str, parts: Sequence[Part], platform: AIPlatform, catalog: Catalog) -> tuple[Artifact, ...]:
    """The base configuration, the shards and the rights, where Prometheus reads files; of rules also where only a ruler does."""
    namespace = platform.metadata.namespace
    if platform.prometheus.flavor != "config":
        rules = _shards("prometheus-rules", RULES, parts, platform) if platform.prometheus.rules == "files" else {}
        return tuple(Artifact(conventions.manifests(environment, conventions.PLATFORM, name), data) for name, data in rules.items())
    base, role = to_yaml(_base(platform, catalog)), k8s.object_name("obsc", namespace, "prometheus")
    objects: dict[str, Data | Recipe] = {
        "prometheus-config.yaml": k8s.config_map("prometheus-config", namespace, {"prometheus.yml": base}),
        "prometheus-serviceaccount.yaml": k8s.service_account(_ACCOUNT, namespace, token=True),
        "prometheus-clusterrole.yaml": k8s.cluster_role(role, _rights(platform)),
        "prometheus-clusterrolebinding.yaml": k8s.cluster_role_binding(role, _ACCOUNT, namespace),
    }
    for name, file in (("prometheus-scrape", SCRAPE), ("prometheus-rules", RULES)):
        objects |= _shards(name, file, parts, platform)
    found = [Artifact(conventions.manifests(environment, conventions.PLATFORM, name), data) for name, data in objects.items()]
    found.append(Artifact(conventions.artifacts(environment, conventions.PLATFORM, "prometheus.yml"), base, "text"))
    return tuple(found)


def _shards(name: str, file: str, parts: Sequence[Part], platform: AIPlatform) -> dict[str, Recipe]:
    servers = platform.prometheus.shards
    count = conventions.shards(name, platform.capacity, servers)
    return config_maps(name, count, platform.metadata.namespace, of_parts(parts, file, ".yaml", (count, servers)))


def _job(job: ScrapeJob, platform: AIPlatform) -> Data:
    data: Data = {
        "job_name": job.name,
        "scrape_interval": conventions.seconds(job.interval),
        "scrape_timeout": conventions.seconds(job.timeout),
        "metrics_path": job.path,
        "scheme": job.scheme,
    }
    if at_least(platform.prometheus.version, 3):
        # Since 3.0 a page without a proper Content-Type is refused unless the job says what it is.
        data["fallback_scrape_protocol"] = _TEXT
    data |= {"sample_limit": _SAMPLES, "target_limit": _TARGETS, "label_limit": _LABELS,
             "label_name_length_limit": _LABEL_NAME, "label_value_length_limit": _LABEL_VALUE}
    if job.bearer is not None:
        data["authorization"] = {"type": "Bearer", "credentials_file": conventions.secret_file(
            conventions.SECRETS_PROMETHEUS, job.bearer.name, job.bearer.key)}
    if job.tls is not None:
        data["tls_config"] = _tls(job.tls)
    dropped = [_drop("__name__", pattern) for pattern in job.dropped]
    return {**data, **_discovery(job), "relabel_configs": _relabelling(job),
            **({"metric_relabel_configs": dropped} if dropped else {})}


def _probe(probe: ProbeJob, platform: AIPlatform) -> Data:
    """The exporter is scraped, and told in the request whom to ask: the target's own address becomes the instance."""
    return {
        "job_name": probe.name, "scrape_interval": conventions.seconds(probe.interval),
        "scrape_timeout": conventions.seconds(probe.timeout), "metrics_path": "/probe", "params": {"module": [probe.module]},
        **_plain_text(platform), "sample_limit": _SAMPLES, "static_configs": [{"targets": [probe.url]}],
        "relabel_configs": [_copy("__address__", "__param_target"), _copy("__param_target", "instance"),
                            *(_set(label, value) for label, value in (("job", probe.job), *probe.labels)),
                            _set("__address__", probe.address)]}


def _tls(tls: Tls) -> Data:
    data: Data = {}
    for key, secret in (("ca_file", tls.ca), ("cert_file", tls.cert), ("key_file", tls.key)):
        if secret is not None:
            data[key] = conventions.secret_file(conventions.SECRETS_PROMETHEUS, secret.name, secret.key)
    if tls.server_name:
        data["server_name"] = tls.server_name
    return {**data, "insecure_skip_verify": tls.insecure_skip_verify}


def _discovery(job: ScrapeJob) -> Data:
    if job.discovery is Discovery.STATIC:
        return {"static_configs": [{"targets": list(one.addresses), **({"labels": dict(one.labels)} if one.labels else {})}
                                   for one in job.targets]}
    role = "pod" if job.discovery is Discovery.PODS else "endpointslice"
    picked = "pod" if job.discovery is Discovery.PODS else "service"
    # Discovery knows no globs: with one it sees every namespace, and what is in others is dropped.
    where: Data = {} if conventions.globs(job.namespaces) else {"namespaces": {"names": list(job.namespaces)}}
    return {"kubernetes_sd_configs": [{"role": role, **where,
                                       "selectors": [{"role": picked, "label": conventions.label_selector(job.selector)}]}]}


def _relabelling(job: ScrapeJob) -> list[Data]:
    """Which of the discovered addresses is the endpoint, and the labels that selectors rely on."""
    steps: list[Data] = []
    if conventions.globs(job.namespaces) and job.discovery is not Discovery.STATIC:
        steps.append(_keep("__meta_kubernetes_namespace", encode.re2_namespaces(job.namespaces)))
    if job.discovery is Discovery.PODS:
        steps += [_keep(conventions.meta_label("pod", one.key), one.pattern) for one in job.selector if one.pattern]
        steps += [_drop("__meta_kubernetes_pod_container_init", "true"),
                  _drop("__meta_kubernetes_pod_phase", "Pending|Succeeded|Failed|Completed"), *_pod_port(job.port)]
    elif job.discovery is Discovery.SERVICE:
        label = "__meta_kubernetes_endpointslice_port" if isinstance(job.port, int) else "__meta_kubernetes_endpointslice_port_name"
        steps += [_keep(label, encode.re2_literal(str(job.port)))] if job.port is not None else []
        # The selector spares the API server work, but a slice is kept whether or not its Service was selected.
        steps += [_keep(conventions.meta_label("service", one.key), one.pattern or encode.re2_either(map(encode.re2_literal, one.values)))
                  for one in job.selector]
    if job.pods:
        steps.append(_keep("__meta_kubernetes_pod_name", job.pods))
    if job.discovery is not Discovery.STATIC:
        steps += [_copy("__meta_kubernetes_namespace", "namespace")] if job.scattered else []
        steps += [_copy("__meta_kubernetes_pod_name", "pod"), _copy("__meta_kubernetes_pod_node_name", "node")]
        steps += [_copy("__meta_kubernetes_pod_container_name", "container")] if not isinstance(job.port, int) else []
    # The compiler's own labels come last: no label of a pod replaces them.
    steps += [_copy(conventions.meta_label("pod", key), encode.series_label(key)) for key in job.pod_labels]
    steps += [_set(label, value) for label, value in (("job", job.job), *job.labels)]
    return steps


def _pod_port(port: int | str | None) -> list[Data]:
    if isinstance(port, str):
        return [_keep("__meta_kubernetes_pod_container_port_name", encode.re2_literal(port))]
    if port is None:
        return []
    # A pod gives one target for each declared port and one for each container without any. All of them get the same
    # address here, and Prometheus takes equal targets as one: it does not matter whether the port was declared.
    return [{"source_labels": ["__meta_kubernetes_pod_ip"], "regex": "(.*:.*)", "target_label": "__meta_kubernetes_pod_ip",
             "replacement": "[$1]"},
            {"source_labels": ["__meta_kubernetes_pod_ip"], "regex": "(.+)", "target_label": "__address__",
             "replacement": encode.first_group_then_port(port)}]


def _keep(label: str, regex: str) -> Data:
    return {"source_labels": [label], "regex": regex, "action": "keep"}


def _drop(label: str, regex: str) -> Data:
    return {"source_labels": [label], "regex": regex, "action": "drop"}


def _copy(label: str, target: str) -> Data:
    return {"source_labels": [label], "target_label": target}


def _set(label: str, value: str) -> Data:
    return {"target_label": label, "replacement": encode.relabel_replacement(value)}


def _base(platform: AIPlatform, catalog: Catalog) -> Data:
    said = platform.prometheus
    address = platform.alertmanager.address or conventions.in_cluster("alertmanager", platform.metadata.namespace, 9093)
    labels = {key: encode.environment_label(value) for key, value in sorted(said.external_labels.items())}
    several = said.replicas > 1 or said.shards > 1
    if several:
        labels = {_REPLICA: "${POD_NAME}", **labels}
    data: Data = {
        "global": {"scrape_interval": conventions.seconds(said.scrape_interval),
                   "scrape_timeout": conventions.seconds(min(10.0, said.scrape_interval)),
                   "evaluation_interval": conventions.seconds(said.evaluation_interval),
                   **({"external_labels": labels} if labels else {})},
        "rule_files": ["/etc/prometheus/rules/*.yaml"],
        "alerting": {**({"alert_relabel_configs": [{"regex": _REPLICA, "action": "labeldrop"}]} if several else {}),
                     "alertmanagers": [{"api_version": "v2", "static_configs": [{"targets": [address]}]}]},
        "scrape_config_files": ["/etc/prometheus/scrape/*.yaml"],
        "scrape_configs": _sources(platform, catalog),
        **({"remote_write": [_remote(one, number) for number, one in enumerate(said.remote_write)]} if said.remote_write else {}),
    }
    if at_least(said.version, 3, 14):
        data["storage"] = {"tsdb": {"retention": {"time": conventions.seconds(said.retention)}}}
    return data


def _remote(said: RemoteWrite, number: int) -> Data:
    data: Data = {"name": conventions.shard_name("remote", number), "url": said.url, "send_exemplars": True}
    if said.authorization is not None:
        secret = said.authorization.credentials
        data["authorization"] = {"type": said.authorization.type, "credentials_file": conventions.secret_file(
            conventions.SECRETS_PROMETHEUS, secret.name, secret.key)}
    tls = said.tls_config
    if tls is None:
        return data
    secrets = (SecretRef(one.name, one.key) if one is not None else None for one in (tls.ca, tls.cert, tls.key_secret))
    return {**data, "tls_config": _tls(Tls(tls.insecure_skip_verify, tls.server_name or "", *secrets))}


def _sources(platform: AIPlatform, catalog: Catalog) -> list[Data]:
    """The platform's exporters, under the job labels that rules select."""
    found = []
    for key, said in (("kubeStateMetrics", platform.sources.kube_state_metrics), ("cadvisor", platform.sources.cadvisor),
                      ("dcgm", platform.sources.dcgm), ("amd", platform.sources.amd)):
        profile = catalog.source(key)
        if said.enabled and profile is not None:
            found.append({"job_name": conventions.source_job(profile.name), **_plain_text(platform), **_source(key, profile, said)})
    return found


def _source(key: str, profile: Profile, said: Scraped) -> Data:
    usual = [value for label, _, value in profile.matchers if label == "job"]
    # Rules select by the platform's own matchers, so what is scraped here must be called as they say.
    named = [one.value for one in map(promql.read_matcher, said.matchers or ()) if (one.label, one.op) == ("job", "=")]
    job = (*named, *usual, profile.name)[0]
    honor = profile.honor_labels if said.honor_labels is None else said.honor_labels
    at = said.address if isinstance(said, Addressed) else None
    if profile.port_name.startswith("https"):
        return _node_agent(profile, job)
    if key == "kubeStateMetrics" or at is not None:
        address = at or conventions.in_cluster(profile.name, "kube-system", profile.port or 80)
        return {"honor_labels": honor, "static_configs": [{"targets": [address]}], "relabel_configs": [_set("job", job)]}
    # Where the label is not known to be the chart's, the port's number tells as well as its name.
    selector = conventions.label_selector([Requirement("app.kubernetes.io/name", (profile.name,))])
    selectors: Data = {} if profile.honor_labels else {"selectors": [{"role": "pod", "label": selector}]}
    number = [_keep("__meta_kubernetes_pod_container_port_number", str(profile.port))] if profile.honor_labels else []
    return {"honor_labels": honor, "kubernetes_sd_configs": [{"role": "pod", **selectors}],
            "relabel_configs": [*number, _keep("__meta_kubernetes_pod_container_port_name", profile.port_name),
                                _copy("__meta_kubernetes_namespace", "namespace"), _copy("__meta_kubernetes_pod_name", "pod"),
                                _copy("__meta_kubernetes_pod_node_name", "node"), _set("job", job)]}


def _node_agent(profile: Profile, job: str) -> Data:
    """An exporter inside every node's agent: its port is the node's own, its certificate the cluster's."""
    return {"honor_labels": True, "scheme": "https", "metrics_path": profile.path,
            "authorization": {"type": "Bearer", "credentials_file": _TOKEN},
            "tls_config": {"ca_file": _AUTHORITY, "insecure_skip_verify": False},
            "kubernetes_sd_configs": [{"role": "node"}],
            "relabel_configs": [_set("job", job), _copy("__metrics_path__", "metrics_path"),
                                _copy("__meta_kubernetes_node_name", "node")]}


def _plain_text(platform: AIPlatform) -> Data:
    return {"fallback_scrape_protocol": _TEXT} if at_least(platform.prometheus.version, 3) else {}


def _rights(platform: AIPlatform) -> list[Data]:
    rules = [k8s.read_rule([""], ["pods", "services"]), k8s.read_rule(["discovery.k8s.io"], ["endpointslices"])]
    if platform.sources.cadvisor.enabled:
        rules += [k8s.read_rule([""], ["nodes"]), {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]}]
    return rules
