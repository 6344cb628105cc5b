"""Resolved → IR: every family of signals in turn, then what is made of all of them together."""

from __future__ import annotations

import hashlib
from dataclasses import replace

from obsc import encode, endpoints, privacy, workloads
from obsc.catalog.kinds import either
from obsc.encode import re2_literal
from obsc.ir import (
    AlertRule,
    Dashboard,
    Event,
    Field,
    Labels,
    Layer,
    Link,
    LogInput,
    Mask,
    Origin,
    Panel,
    Recorded,
    RecordingRule,
    Route,
    Row,
    Service,
    Severity,
    TracePolicy,
    Variable,
)
from obsc.probes import probe_jobs
from obsc.promql import Call, Number, aggregate, widen
from obsc.resolve import Resolved
from obsc.signals import FAMILIES
from obsc.signals.alert import Contribution
from obsc.signals.blind import blind
from obsc.signals.roles import subjects
from obsc.signals.subject import Subject
from obsc.spec.logs import Format, Multiline

# Rows of a service's dashboard: symptoms first, causes below, the telemetry itself last.
_ROWS = (
    ("status", "Status", Layer.APPLICATION, False),
    ("objectives", "Promises: budgets of errors", Layer.APPLICATION, False),
    ("business", "Business: requests, tokens, quality", Layer.BUSINESS, False),
    ("errors", "Application: errors", Layer.APPLICATION, False),
    ("latency", "Application: latency", Layer.APPLICATION, False),
    ("saturation", "Application: queue, cache, engine", Layer.APPLICATION, False),
    ("own", "Application: the team's own", Layer.APPLICATION, False),
    ("gpu", "Infrastructure: accelerators", Layer.INFRASTRUCTURE, False),
    ("kubernetes", "Infrastructure: containers", Layer.INFRASTRUCTURE, False),
    ("telemetry", "Telemetry", Layer.TELEMETRY, True),
)
_CONTINUATION = {
    "python": r"^(\s|Traceback|During handling|The above exception|[\w.]+(Error|Exception|Warning):)",
    "java": r"^(\s+(at|\.{3})\s|Caused by:)",
    "go": r"^(\s|goroutine \d+ \[|panic:|created by )",
    "auto": r"^(\s|Traceback|During handling|The above exception|Caused by:|goroutine \d+ \[|[\w.]+(Error|Exception|Warning):)",
    "none": "",
}
_LINKS, _RUNTIMES = "/var/log/containers/", "/var/log/pods/"


def lower(resolved: Resolved) -> Service:
    """Everything that is observed of a service: of each of its components, and of all of them together."""
    found = tuple(_component(subject) for subject in subjects(resolved))
    whole = found[0] if len(found) == 1 else _joined(resolved, found)
    labels = resolved.platform.prometheus.group_labels
    return _widened(whole, labels) if labels else whole


def _widened(service: Service, labels: tuple[str, ...]) -> Service:
    """The service with the platform's labels kept in every aggregation, and in every legend."""
    anchor = frozenset({"namespace", "exported_namespace"})
    marks = tuple(part for label in labels for part in (" ", Field(label=label)))

    def panel(one: Panel) -> Panel:
        queries = tuple(replace(query, expr=widen(query.expr, labels, anchor), legend=(*query.legend, *marks) if query.legend else ())
                        for query in one.queries)
        return replace(one, queries=queries)

    rows = tuple(replace(row, panels=tuple(panel(one) for one in row.panels)) for row in service.dashboard.rows)
    return replace(
        service, alerts=tuple(replace(rule, expr=widen(rule.expr, labels, anchor)) for rule in service.alerts),
        recordings=tuple(replace(rule, expr=widen(rule.expr, labels, anchor)) for rule in service.recordings),
        dashboard=replace(service.dashboard, rows=rows), parts=tuple(_widened(part, labels) for part in service.parts))


def _component(subject: Subject) -> Service:
    resolved = subject.resolved
    parts = [family(subject) for family in FAMILIES]
    known = (*((_known(subject),) if resolved.first else ()), *_models(subject))
    recordings = (*known, *(rule for part in parts for rule in part.recordings))
    alerts = tuple(rule for part in parts for rule in part.alerts)
    alerts += blind(subject, alerts, recordings)
    metadata = resolved.service.metadata
    return Service(
        identity=resolved.identity, team=metadata.team, description=metadata.description,
        runtime=resolved.service.runtime.name, labels=tuple(sorted(metadata.labels.items())),
        links=tuple(Link(name, url) for name, url in sorted(metadata.links.items())),
        static_labels=subject.static_labels, jobs=endpoints.scrape_jobs(resolved), recordings=recordings, alerts=alerts,
        dashboard=_dashboard(subject, parts), logs=_logs(resolved), traces=_traces(resolved),
        routes=_routes(resolved, alerts),
        omitted=tuple(sorted({reason for part in parts for reason in part.omitted})), probes=probe_jobs(resolved),
        namespaces=workloads.namespaces(resolved), tests=tuple(test for part in parts for test in part.tests),
        objectives=tuple(one for part in parts for one in part.objectives))


def _joined(resolved: Resolved, found: tuple[Service, ...]) -> Service:
    """Components as one service. Panels and rows of further ones have keys of their own, so that none moves another."""
    further = [(part.component, one) for part, one in zip(resolved.components, found[1:], strict=True)]
    named = [replace(one, alerts=tuple(replace(rule, panel=f"{name}.{rule.panel}") for rule in one.alerts),
                     dashboard=replace(one.dashboard, rows=tuple(_row_of(name, row) for row in one.dashboard.rows)))
             for name, one in further]
    every = (found[0], *named)
    alerts = tuple(rule for one in every for rule in one.alerts)
    rows = tuple(row for one in every for row in one.dashboard.rows)
    events = tuple(dict.fromkeys(event for one in every for event in one.dashboard.events))
    # A choice that only a further component has a label for is asked of that one.
    choices: dict[str, Variable] = {}
    for choice in (choice for one in every for choice in one.dashboard.variables):
        choices.setdefault(choice.name, choice)
    return replace(
        found[0], jobs=tuple(job for one in every for job in one.jobs), alerts=alerts,
        recordings=tuple(rule for one in every for rule in one.recordings),
        dashboard=replace(found[0].dashboard, rows=rows, events=events, variables=tuple(choices.values())),
        logs=tuple(log for one in every for log in one.logs),
        routes=_routes(resolved, alerts), omitted=tuple(sorted({reason for one in every for reason in one.omitted})), parts=found,
        probes=tuple(probe for one in every for probe in one.probes),
        namespaces=tuple(dict.fromkeys(name for one in every for name in one.namespaces)),
        tests=tuple(test for one in every for test in one.tests), objectives=tuple(one for part in every for one in part.objectives))


def _row_of(component: str, row: Row) -> Row:
    panels = tuple(replace(panel, key=f"{component}.{panel.key}") for panel in row.panels)
    return replace(row, key=f"{component}.{row.key}", title=f"{component} · {row.title}", panels=panels)


def _known(subject: Subject) -> RecordingRule:
    """That the service exists, and where its page is: seen even when nothing of it is left to scrape."""
    labels = dict(subject.static_labels) | {"dashboard": dashboard_uid(subject.resolved)}
    return RecordingRule(Recorded.SERVICE.value, Call("vector", (Number(1),)), tuple(sorted(labels.items())), Origin("dashboards"))


def _models(subject: Subject) -> tuple[RecordingRule, ...]:
    """What is known of each model beside its name, for whoever wants it beside a series of the model."""
    found = []
    for number, one in enumerate(subject.resolved.service.models):
        more = {"model_version": one.version, "provider": one.provider}
        labels = {**dict(subject.static_labels), "model": one.served_name or one.name, **{key: said for key, said in more.items() if said}}
        if any(more.values()):
            found.append(RecordingRule(Recorded.MODEL.value, Call("vector", (Number(1),)), tuple(sorted(labels.items())),
                                       subject.resolved.origins.origin("models", number)))
    return tuple(found)


def dashboard_uid(resolved: Resolved) -> str:
    """A uid of at most 40 characters, unique over environments and namespaces: a readable start and a digest."""
    identity = resolved.identity
    digest = hashlib.sha256("\0".join((identity.environment, identity.namespace, identity.name)).encode()).hexdigest()
    return f"{identity.name[:23]}-{digest[:16]}"


def _dashboard(subject: Subject, parts: list[Contribution]) -> Dashboard:
    resolved = subject.resolved
    metadata, said = resolved.service.metadata, resolved.service.dashboards
    rows = []
    for key, title, layer, folded in _ROWS:
        panels = tuple(panel for part in parts for row, panel in part.panels if row == key)
        if panels:
            rows.append(Row(key, title, layer, panels, folded))
    return Dashboard(
        uid=dashboard_uid(resolved), title=said.title or metadata.name, folder=said.folder or metadata.team,
        description=metadata.description, tags=("obsc", metadata.namespace, metadata.team, resolved.service.runtime.name),
        rows=tuple(rows), variables=_variables(subject),
        links=tuple(sorted(metadata.links.items())), origin=resolved.origins.origin("dashboards"), events=_events(subject))


def _events(subject: Subject) -> tuple[Event, ...]:
    """Starts of pods: rollouts, restarts and new replicas are the first thing to hold against a change of any curve."""
    exporter = "kubeStateMetrics"
    if subject.exporter(exporter) is None:
        return ()
    label = subject.label("pod", exporter)
    started = aggregate("max", subject.viewed.of_pods(exporter, "kube_pod_start_time"), label)
    return (Event("Pod starts", started, (Field(label=label), " started"), Severity.INFO, timed=True),)


def _variables(subject: Subject) -> tuple[Variable, ...]:
    """The namespace; and the model, with the values that the panels' own series have."""
    found = [_namespace(subject)]
    for signal in ("traffic", "requestDuration", "timeToFirstToken", "predictions", "qualityScore"):
        for reading in subject.readings(signal):
            label = subject.model_label(reading.metric(reading.terms[0]))
            if label:
                term = reading.terms[0]
                suffix = "_count" if reading.metric(term).type == "histogram" else ""
                return (*found, Variable("model", "Model", subject.read(reading, term, suffix), label))
    return tuple(found)


def _namespace(subject: Subject) -> Variable:
    cluster = "kubeStateMetrics"
    if endpoints.pageless(subject.resolved) and subject.exporter(cluster) is not None:
        # Without targets only the cluster knows where the service is.
        return Variable("namespace", "Namespace", subject.of_pods(cluster, "kube_pod_start_time"), subject.label("namespace", cluster))
    return Variable("namespace", "Namespace", subject.own("up"), "namespace")


def _logs(resolved: Resolved) -> tuple[LogInput, ...]:
    said, platform = resolved.service.logs, resolved.platform
    if not said.enabled or platform.filebeat is None or platform.elasticsearch is None:
        return ()
    named = [(one.name, one.format or said.format, one.multiline or said.multiline) for one in said.containers]
    return tuple(_input(resolved, *one, place, files) for one in named or [("", said.format, said.multiline)]
                 for place, files in _places(resolved))


def _places(resolved: Resolved) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Where log files lie, with globs of them: as links of the runtime's, as its own files, or elsewhere. An input for
    each, since each names its files in its own way. Outside of the cluster there are none but those that the spec names.
    """
    usual = () if resolved.service.workload.kind == "External" else tuple(
        f"{_LINKS}*_{one}_*.log" for one in workloads.namespaces(resolved))
    places: dict[str, tuple[str, ...]] = {}
    for path in resolved.service.logs.paths or usual:
        place = next((folder for folder in (_LINKS, _RUNTIMES) if path.startswith(folder)), "")
        places[place] = (*places.get(place, ()), path)
    return tuple(places.items())


def _input(resolved: Resolved, container: str, form: Format, multiline: Multiline, place: str, files: tuple[str, ...]) -> LogInput:
    metadata, said = resolved.service.metadata, resolved.service.logs
    link, file = _names(resolved, container)
    end = {_LINKS: "", _RUNTIMES: "_pods"}.get(place, "_files")  # no container's name: it has an underscore
    parts = (resolved.identity.environment, metadata.namespace, resolved.full_name, container, end)
    free = resolved.platform.policy.allow_content and resolved.emptied("logs", "dropFields") is not None
    drop = () if free else privacy.CONTENT_KEYS
    return LogInput(
        id=".".join(part for part in parts if part), files=files, include={_LINKS: link, _RUNTIMES: file}.get(place, ""),
        linked=file if place == _LINKS else "", framed=place != "", format=form,
        continuation=_CONTINUATION[multiline], drop=tuple(sorted({*drop, *said.drop_fields})),
        masks=_masks(resolved, "logs", said.redact),
        labels=_event_labels(resolved), origin=resolved.origins.origin("logs"))


def _masks(resolved: Resolved, block: str, said: tuple[str, ...]) -> tuple[Mask, ...]:
    """What a spec asks for comes on top of the usual masks; only an empty list, where the platform allows it, has none."""
    free = resolved.platform.policy.allow_content and resolved.emptied(block, "redact") is not None
    wanted = set() if free else {*said, *privacy.USUAL_MASKS}
    return tuple(privacy.MASKS[name] for name in privacy.ORDER if name in wanted)


def _event_labels(resolved: Resolved) -> Labels:
    metadata = resolved.service.metadata
    environment = resolved.platform.environment or resolved.identity.environment
    # Of several namespaces only the entry's own pod tells which.
    place = () if workloads.scattered(resolved) else (("k8s.namespace.name", metadata.namespace),)
    providers = {one.provider for one in resolved.service.models}
    provider = (("gen_ai.provider.name", str(*providers)),) if len(providers) == 1 and None not in providers else ()
    return (("deployment.environment.name", environment), *provider, *place, ("service.name", resolved.full_name), ("team", metadata.team))


def _names(resolved: Resolved, container: str) -> tuple[str, str]:
    """Names of the links to the logs of the service's own pods, and of the files that these links lead to; of any pod
    of its namespace where its pods' names say nothing. The namespace is always part of them: no spec reads the logs of
    another tenant.
    """
    pods = either([workloads.pods(resolved) or "[a-z0-9.-]+"])
    namespace = either([encode.re2_namespaces(workloads.namespaces(resolved))])
    of = re2_literal(container) if container else "[a-z0-9.-]+"
    # kubelet: BuildContainerLogsDirectory in pkg/kubelet/kuberuntime. A static pod has a digest for an identifier.
    return (f"/{pods}_{namespace}_{of}-[0-9a-f]{{64}}\\.log$", f"/{namespace}_{pods}_[0-9a-f-]+/{of}/[0-9]+\\.log$")


def _traces(resolved: Resolved) -> TracePolicy | None:
    said, platform = resolved.service.traces, resolved.platform
    if platform.collector is None or platform.jaeger is None or said.enabled is False:
        return None
    slow = said.sampling.slower_than
    if slow is None:
        rule = resolved.service.alerts.rules.get("HighInferenceLatency")
        known = rule is not None and rule.threshold is not None and rule.threshold.kind == "duration"
        slow = rule.threshold.value if rule is not None and rule.threshold is not None and known else None
    return TracePolicy(
        services=tuple(part.full_name for part in resolved.parts), baseline=said.sampling.baseline, keep_errors=said.sampling.keep_errors,
        slower_than=slow, drop=(), masks=_masks(resolved, "traces", said.redact),
        spans=said.spans, origin=resolved.origins.origin("traces"))


def _routes(resolved: Resolved, alerts: tuple[AlertRule, ...]) -> tuple[Route, ...]:
    """Where each pair of team and severity that occurs goes: to the team's receivers, else to the platform's."""
    alerting = resolved.platform.alertmanager
    pairs = sorted({(rule.team, rule.severity) for rule in alerts})
    return tuple(Route(team, severity, receivers(alerting.teams.get(team), alerting.routing, severity))
                 for team, severity in pairs)


def receivers(team: object, routing: object, severity: Severity) -> tuple[str, ...]:
    """Names of the receivers of a team for a severity."""
    own: tuple[str, ...] = getattr(team, severity.value, ())
    common: tuple[str, ...] = getattr(routing, severity.value)
    return own or common
