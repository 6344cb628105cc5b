"""Names in a spec that must mean something elsewhere in it, and parts that must fit together."""

from __future__ import annotations

import difflib

from obsc import endpoints
from obsc.advice import listed
from obsc.catalog.lacks import lacks, reasons
from obsc.diagnostics import Place, Sink, render
from obsc.encode import series_label
from obsc.ir import Discovery, Service, Severity
from obsc.resolve import Resolved
from obsc.signals.reading import FITTING, fault_matcher
from obsc.signals.subject import Subject

_SHARED = "platform"  # what services share lies in folders of this name, beside those of namespaces


def endpoints_named(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A series names an endpoint that exists."""
    known = [one.name for one in endpoints.all_endpoints(resolved)]
    for index, series in enumerate(resolved.service.metrics.series):
        path = ("metrics", "series", index, "endpoint")
        if endpoints.find(resolved, series.endpoint) is None:
            near = difflib.get_close_matches(series.endpoint, known, 1) or known[:1]
            sink.error("R210", f"no endpoint `{series.endpoint}`, known are {', '.join(f'`{one}`' for one in known)}",
                       resolved.origins.place(path), path="metrics.series", hint=f"did you mean `{near[0]}`?")


def static_targets(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Static discovery has targets, and only static discovery has; scrapes end before the next begins."""
    for job in service.jobs:
        place = _of_discovery(resolved)
        if job.discovery is Discovery.STATIC and not any(one.addresses for one in job.targets) and resolved.sound("metrics"):
            sink.error("S302", f"the endpoint `{job.endpoint}` is static and has no targets", place, path="metrics",
                       hint='write `metrics.staticConfigs: [{targets: ["host:port"]}]`, or another discovery')
        if job.discovery is not Discovery.STATIC and any(one.addresses for one in job.targets):
            sink.error("S303", f"targets are given, but discovery is `{job.discovery.value}`",
                       resolved.origins.place(("metrics", "staticConfigs")), path="metrics.staticConfigs",
                       hint="write `discovery: static`, or leave the targets out")
    for index, endpoint in enumerate(resolved.service.metrics.endpoints):
        every = endpoints.interval(resolved, endpoint)
        if endpoint.timeout is not None and endpoint.timeout > every:
            sink.error("S309", "the timeout is longer than the interval: Prometheus refuses the whole configuration",
                       resolved.origins.place(("metrics", "endpoints", index, "timeout")), path="metrics.endpoints",
                       hint="make it shorter than the interval")


def _of_discovery(resolved: Resolved) -> Place:
    """Where the spec says how targets are found: by name, or by the kind of workload."""
    said = resolved.service.metrics.discovery is not None
    return resolved.origins.place(("metrics", "discovery") if said else ("workload", "kind"))


def workloads(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Replicas have bounds in order, names are not reserved, and series that count requests tell failed ones."""
    replicas = resolved.service.workload.replicas
    if replicas.max is not None and replicas.max < replicas.min:
        sink.error("S311", f"at most {replicas.max} replicas, but at least {replicas.min}",
                   resolved.origins.place(("workload", "replicas", "max")), path="workload.replicas.max",
                   hint="raise `max` or lower `min`")
    if replicas.min == 0 and replicas.max is None:
        sink.error("S311", "at least 0 replicas, and no more are allowed", resolved.origins.place(("workload", "replicas", "min")),
                   path="workload.replicas.min", hint="write `max` beside it, such as `max: 3`")
    kind, how = resolved.service.workload.kind, endpoints.discovery(resolved)
    if kind in {"External", "None"} and how in {"pods", "service"} and resolved.sound("metrics"):
        sink.error("S304", f"a workload of kind `{kind}` has no pods to discover",
                   resolved.origins.place(("metrics", "discovery")), path="metrics.discovery",
                   hint="write `discovery: static` with targets, or `none` with matchers")
    if how == "none" and not resolved.service.metrics.matchers:
        sink.error("S305", "nothing tells which series are the service's: it is scraped by somebody else",
                   _of_discovery(resolved), path="metrics.matchers",
                   hint="write for example `metrics: {matchers: ['app=\"chat\"']}`")
    for key in ("name", "namespace"):
        if getattr(resolved.service.metadata, key) == _SHARED and resolved.sound("metadata", key):
            sink.error("R211", f"the {key} `platform` is reserved: the folders of what services share are called so",
                       resolved.origins.place(("metadata", key)), path=f"metadata.{key}", hint=f"choose another {key}")
    for index, series in enumerate(resolved.service.metrics.series):
        _series(resolved, index, sink)
        if series.signal == "availability" and (series.type != "counter" or fault_matcher(series) is None):
            sink.error("S306", f"nothing tells the failed requests of `{series.name}`",
                       resolved.origins.place(("metrics", "series", index, "name")), path="metrics.series",
                       hint="give a counter a label with its known values, such as `labels: {status: [success, error]}`")


def _series(resolved: Resolved, index: int, sink: Sink) -> None:
    series = resolved.service.metrics.series[index]
    place = resolved.origins.place(("metrics", "series", index, "buckets"))
    if series.signal is not None and series.signal != "availability" and series.type not in FITTING[series.signal]:
        fit = FITTING[series.signal]
        sink.error("S358", f"a {series.type} cannot show the signal `{series.signal}`, expected {' or '.join(f'a {one}' for one in fit)}",
                   resolved.origins.place(("metrics", "series", index, "signal")), path="metrics.series", hint=f"make it a {fit[0]}")
    if series.buckets and series.type != "histogram":
        sink.error("S307", f"a {series.type} has no buckets", place, path="metrics.series", hint="make it a histogram")
    if list(series.buckets) != sorted(set(series.buckets)):
        sink.error("S307", "bucket bounds are not in rising order", place, path="metrics.series", hint="sort them")


def routed(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Every critical alert and every warning ends at a receiver: one that nobody gets is none."""
    for route in service.routes:
        if not route.receivers and route.severity is not Severity.INFO:
            sink.error("S314", f"nobody is told of the {route.severity.value} alerts of team `{route.team}`",
                       resolved.origins.place(("metadata", "team")), path="metadata.team",
                       hint=f"give the platform `alertmanager.routing.{route.severity.value}`, or the team a receiver")


def folders(resolved: Resolved, _: Service, sink: Sink) -> None:
    """Dashboards that are mounted as files lie in one folder: a folder of one's own needs the sidecar."""
    said = resolved.service.dashboards.folder
    if said is not None and resolved.platform.grafana.delivery == "files":
        sink.warning("T501", "`dashboards.folder` has no effect where dashboards are delivered as files",
                     resolved.origins.place(("dashboards", "folder")), path="dashboards.folder",
                     hint="leave it out, or let the platform deliver to the sidecar")


# What every alert has: its name and how urgent it is.
_OF_ALERTS = frozenset({"alertname", "severity"})


def labels_kept(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Labels of the service are labels of its alerts, unless these have one of that name for routing: then that is told."""
    for key, value in resolved.service.metadata.labels.items() if resolved.first else ():
        label = series_label(key)
        if label in _OF_ALERTS or any(dict(rule.labels).get(label, value) != value for rule in service.alerts):
            sink.warning("T501", f"the label `{key}` stands on objects only: alerts have a `{label}` of their own",
                         resolved.origins.place(("metadata", "labels", key), key=True), path=render(("metadata", "labels", key)),
                         hint="rename it, or leave it out")


def uncertain_metrics(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Where the version leaves open which name a metric has, both are read; a version would settle it."""
    if not resolved.sound("runtime"):
        return
    subject = Subject(resolved)
    either = [found for signal in ("requestDuration", "timeToFirstToken", "interTokenLatency", "queueDuration", "availability",
                                   "traffic", "kvCacheUsage")
              if len(found := subject.readings(signal)) > 1]
    for companion in sorted({found[0].metric(found[0].terms[0]).companion for found in either}):
        names_read = sorted({" or ".join(term.metric for reading in found for term in reading.terms[:1]) for found in either
                             if found[0].metric(found[0].terms[0]).companion == companion})
        path = ("runtime", "options", companion) if companion else ("runtime", "version")
        hint = f'write its release, such as `runtime.options: {{{companion}: "1.19"}}`' if companion \
            else 'write the release, such as `version: "0.15"`'
        sink.info("S330", f"the version {f'of {companion} ' if companion else ''}leaves open which name is right, so both are read: "
                  + "; ".join(names_read), resolved.origins.place(path), path=".".join(path), hint=hint)
    told = reasons()
    for key, signals in _not_shown(resolved, subject).items():
        sink.info("S332", f"{key}: {listed(signals)} {'is' if len(signals) == 1 else 'are'} not shown: {told[key]}",
                  resolved.origins.place(("runtime", "name")), path="runtime.name")
    for name, reason in service.omitted:
        sink.info("S331", f"the alert {name} is left out: {reason}", resolved.origins.place(("runtime", "name")),
                  path="alerts.rules")


def _not_shown(resolved: Resolved, subject: Subject) -> dict[str, list[str]]:
    """By the reason's id, the signals that neither the runtime nor a series or exporter shows here."""
    found: dict[str, list[str]] = {}
    for signal, reason in lacks(resolved.profile).items():
        if signal not in subject.silent and not subject.readings(signal):
            found.setdefault(reason, []).append(signal)
    return found
