"""Endpoints of a service → scrape jobs: what is read, how it is found, and what its label `job` says."""

from __future__ import annotations

from obsc import workloads
from obsc.encode import re2_glob
from obsc.ir import Discovery, Labels, Requirement, ScrapeJob, SecretRef, StaticTargets, Tls
from obsc.resolve import Resolved
from obsc.spec.metrics import Endpoint, SecretKeyRef, StaticConfig, TlsConfig

METRICS_PATH = "/metrics"
_LONGEST_TIMEOUT = 10.0


def main_endpoint(resolved: Resolved) -> Endpoint:
    """The endpoint of the runtime itself: the one called `default`, else the first, else the catalog's."""
    listed = resolved.service.metrics.endpoints
    named = [endpoint for endpoint in listed if endpoint.name == "default"]
    return (named or list(listed) or [Endpoint()])[0]


def all_endpoints(resolved: Resolved) -> tuple[Endpoint, ...]:
    """Every endpoint, the main one first."""
    main = main_endpoint(resolved)
    return (main, *(one for one in resolved.service.metrics.endpoints if one is not main))


def find(resolved: Resolved, name: str) -> Endpoint | None:
    """The endpoint of this name; `default` is the main one whatever its name."""
    main = main_endpoint(resolved)
    if name == "default":
        return main
    return next((one for one in all_endpoints(resolved) if one.name == name), None)


def job_label(resolved: Resolved, endpoint: Endpoint) -> str:
    """Value of the label `job` on the endpoint's series."""
    if endpoint.job is not None:
        return endpoint.job
    name = resolved.full_name
    return name if endpoint.name == main_endpoint(resolved).name else f"{name}-{endpoint.name}"


def pageless(resolved: Resolved) -> bool:
    """Whether nothing is there to scrape: the runtime serves no metrics, and the spec names no page beside it."""
    said = resolved.service.metrics
    return not (resolved.profile.has_page or said.endpoints or said.static_configs or said.matchers or said.discovery)


def discovery(resolved: Resolved) -> str:
    """How targets are found: as the spec says, else by the kind of workload."""
    said = resolved.service.metrics.discovery
    if said is not None:
        return said
    return {"External": "static", "None": "none"}.get(resolved.service.workload.kind, "pods")


def interval(resolved: Resolved, endpoint: Endpoint) -> float:
    """Seconds between two scrapes."""
    return endpoint.interval or resolved.platform.prometheus.scrape_interval


def scrape_jobs(resolved: Resolved) -> tuple[ScrapeJob, ...]:
    """One job for each endpoint; none where the series are scraped already, or there are none."""
    if discovery(resolved) == "none" or pageless(resolved):
        return ()
    return tuple(_job(resolved, endpoint) for endpoint in all_endpoints(resolved))


def scrape_name(resolved: Resolved, end: str) -> str:
    """Name of a scrape job, unique in its environment: `<namespace>/<service>[/<further component>]/<end>`."""
    metadata = resolved.service.metadata
    return "/".join(part for part in (metadata.namespace, metadata.name, resolved.further, end) if part)


def series_labels(resolved: Resolved, **more: str) -> Labels:
    """Labels that every series of a component gets from its scrape, sorted."""
    metadata = resolved.service.metadata
    component = {"component": resolved.component} if resolved.component else {}
    return tuple(sorted({**component, "namespace": metadata.namespace, "service": metadata.name, **more}.items()))


def _job(resolved: Resolved, endpoint: Endpoint) -> ScrapeJob:
    how = Discovery(discovery(resolved))
    every = interval(resolved, endpoint)
    profile = resolved.profile
    scattered = workloads.scattered(resolved) and how is not Discovery.STATIC
    return ScrapeJob(
        name=scrape_name(resolved, endpoint.name), job=job_label(resolved, endpoint),
        endpoint=endpoint.name, discovery=how, namespaces=workloads.namespaces(resolved), selector=_selector(resolved, how),
        port=_port(resolved, endpoint, how), path=endpoint.path or profile.path or METRICS_PATH, scheme=endpoint.scheme, interval=every,
        timeout=min(endpoint.timeout or _LONGEST_TIMEOUT, every), targets=_targets(resolved, endpoint),
        labels=tuple(one for one in series_labels(resolved) if not (scattered and one[0] == "namespace")),
        bearer=_secret(endpoint.authorization.credentials if endpoint.authorization else None),
        tls=_tls(endpoint.tls_config), component=resolved.further,
        pod_labels=resolved.service.metrics.pod_target_labels if how is not Discovery.STATIC else (),
        dropped=tuple(re2_glob(glob) for glob in resolved.service.metrics.drop_metrics), origin=resolved.origins.origin("metrics"),
        pods=_named_pods(resolved, how), scattered=scattered)


def _port(resolved: Resolved, endpoint: Endpoint, how: Discovery) -> int | str | None:
    """The endpoint's own port, else the catalog's, which an option of the runtime may have moved."""
    profile, options = resolved.profile, resolved.service.runtime.options
    if endpoint.port is not None:
        return endpoint.port
    moved = (port for option, value, port in profile.elsewhere if str(options.get(option)).lower() == value)
    return next(moved, (profile.port_name or None) if how is Discovery.SERVICE else profile.port)


def _selector(resolved: Resolved, how: Discovery) -> tuple[Requirement, ...]:
    said = resolved.service.metrics.service_selector
    if how is Discovery.SERVICE and said is not None:
        return tuple(Requirement(key, (value,)) for key, value in sorted(said.items()))
    return () if how is Discovery.STATIC else workloads.selector(resolved)


def _named_pods(resolved: Resolved, how: Discovery) -> str:
    own = how is Discovery.SERVICE and resolved.service.metrics.service_selector is not None
    return "" if own or how is Discovery.STATIC else workloads.shared_pods(resolved)


def _targets(resolved: Resolved, endpoint: Endpoint) -> tuple[StaticTargets, ...]:
    own: tuple[StaticConfig, ...] = endpoint.static_configs
    if not own and endpoint.name == main_endpoint(resolved).name:
        own = resolved.service.metrics.static_configs
    return tuple(StaticTargets(one.targets, tuple(sorted(one.labels.items()))) for one in own)


def _secret(said: SecretKeyRef | None) -> SecretRef | None:
    return SecretRef(said.name, said.key) if said is not None else None


def _tls(said: TlsConfig | None) -> Tls | None:
    if said is None:
        return None
    return Tls(said.insecure_skip_verify, said.server_name or "", _secret(said.ca), _secret(said.cert),
               _secret(said.key_secret))
