"""Availability: is anything there to answer, and is it as much as it should be?"""

from __future__ import annotations

from obsc import endpoints
from obsc.catalog.kinds import KINDS, WorkloadKind
from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Severity, Threshold, Unit
from obsc.promql import Binary, Call, Expr, Number, Selector, aggregate, equal
from obsc.signals.alert import CRITICAL, WARNING, WHO, Contribution, Story, alert, lines, share, unless_young
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import NO_PAGE, Subject

DOWN = Default("ServiceDown", CRITICAL, hold=120)
NOT_READY = Default("NoReadyReplicas", CRITICAL, hold=60)
FEWER = Default("ReplicasBelowDesired", WARNING, hold=900, threshold=0.75, kind="ratio")

_CHECKS = (
    "Look at the pods and the reason of their last termination.",
    "Look at the rollouts of the last hour; roll back if one fits.",
    "Look at the nodes: lost, out of accelerators, or with accelerator errors.",
    "Look at the pods' events: image or weights that cannot be pulled, volumes that cannot be mounted.",
)


def availability(subject: Subject) -> Contribution:
    """ServiceDown from scrapes; NoReadyReplicas and ReplicasBelowDesired from the cluster's own count.

    A server can hang and still answer a scrape, and a scrape can fail while the server serves: the two sources
    cover each other.
    """
    kind = KINDS.get(subject.resolved.service.workload.kind)
    counted = kind is not None and subject.exporter("kubeStateMetrics") is not None
    scraped = not endpoints.pageless(subject.resolved)
    alerts = [*((_down(subject),) if scraped else ()), *(_replicas(subject, kind) if kind is not None and counted else ())]
    panels = [("status", _targets(subject))] if scraped else []
    if kind is not None and counted:
        panels += [("status", _ready(subject, kind)), ("kubernetes", _bounds(subject, kind))]
    omitted = () if counted else tuple((default.name, "no source counts the replicas of this workload")
                                       for default in (NOT_READY, FEWER))
    omitted += () if scraped else ((DOWN.name, NO_PAGE),)
    return Contribution(alerts=tuple(a for a in alerts if a is not None), panels=tuple(panels), omitted=omitted)


def _alive(subject: Subject) -> Selector:
    """What says that the service is there: its targets, or what an exporter says that answers in its place."""
    for one in subject.readings("up"):
        if one.job == subject.main_job and one.measure.gauge is not None:
            return subject.read(one, one.measure.gauge)
    return subject.own("up")


def _up(subject: Subject) -> Expr:
    return aggregate("sum", _alive(subject), "namespace")


def _down(subject: Subject) -> AlertRule | None:
    settings = subject.settings(DOWN)
    if settings is None:
        return None
    gone = aggregate("sum", Call("absent", (_alive(subject),)), "namespace")
    # Each half covers what the other misses: a sum says nothing when there are no targets at all.
    expr = Binary("or", Binary("==", _up(subject), Number(0)), gone)
    guarded = unless_young(subject, expr, "namespace")
    if guarded is expr and not subject.resolved.service.alerts.rules.get(DOWN.name):
        settings = _held(settings, subject.startup)
    return alert(subject, settings, Story(
        "up", "availability", "targets-up", (*WHO, " is down"),
        ("No target of ", Field(label="service"), " answers, or none is left. Every request fails."),
        "All requests fail.", _CHECKS), guarded)


def _held(settings: Settings, least: float) -> Settings:
    """Without the age of pods, only time tells a start from an outage."""
    return Settings(settings.name, settings.severity, max(settings.hold, least), settings.keep, settings.threshold,
                    settings.quantile, settings.team, settings.origin)


def _count(subject: Subject, name: str, kind: WorkloadKind) -> Expr:
    workload = subject.resolved.service.workload
    return aggregate("max", subject.of_objects(name, equal(kind.label, workload.name or subject.resolved.full_name)), "namespace")


def _replicas(subject: Subject, kind: WorkloadKind) -> list[AlertRule]:
    available, desired = _count(subject, kind.available, kind), _count(subject, kind.desired, kind)
    wanted = Binary(">", desired, Number(0))
    alerts = []
    none = subject.settings(NOT_READY)
    if none is not None:
        alerts.append(alert(subject, _held(none, subject.startup), Story(
            "replicas", "availability", "replicas", (*WHO, " has no ready replica"),
            ("Replicas are wanted and none of them is available.",), "All requests fail.", _CHECKS),
            Binary("and", Binary("==", available, Number(0)), wanted, on=("namespace",))))
    fewer = subject.settings(FEWER)
    least = subject.resolved.service.workload.replicas.min
    if fewer is not None:
        short: Expr = Binary("<", Binary("/", available, wanted), Number(fewer.threshold))
        if least > 1:
            # Somebody may have asked for fewer than the spec allows: then the share of the wanted ones says nothing.
            short = Binary("or", short, Binary("<", Binary("/", available, Number(least)), Number(fewer.threshold)))
        alerts.append(alert(subject, _held(fewer, subject.startup + 300), Story(
            "replicas", "saturation", "replicas", (*WHO, " runs with fewer replicas than it should"),
            ("Only ", share(), " of the wanted replicas are available."),
            "Less capacity: queues and latency grow under load.", _CHECKS),
            short))
    return alerts


def _targets(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "targets-up", "Targets up", Chart.NUMBER, Unit.COUNT,
        (Query(_up(seen), ("up",)),),
        "Targets of the service that answer their scrape. Zero means an outage or a broken scrape; ServiceDown watches it.",
        Origin("availability"), lines(Settings("", CRITICAL, 0, 0, 1, None, "", Origin("")), above=False), minimum=0, width=4)


def _ready(subject: Subject, kind: WorkloadKind) -> Panel:
    seen = subject.viewed
    ready = Binary("/", _count(seen, kind.available, kind), Binary(">", _count(seen, kind.desired, kind), Number(0)))
    return Panel(
        "replicas", "Replicas ready", Chart.NUMBER, Unit.RATIO, (Query(ready, ("ready",)),),
        "Available replicas over wanted ones. NoReadyReplicas fires at none, ReplicasBelowDesired below its share.",
        Origin("availability"), lines(subject.settings(FEWER), above=False), minimum=0, maximum=1, width=4)


def _bounds(subject: Subject, kind: WorkloadKind) -> Panel:
    """Replicas over time, with the bounds in which the spec lets them move."""
    seen, said = subject.viewed, subject.resolved.service.workload.replicas
    marks = [Threshold(said.min, Severity.WARNING, above=False)]
    text = f"Available and wanted replicas. The spec allows {said.min}"
    if said.max is not None and said.max > said.min:
        text += f" to {said.max}; at the upper bound there is no headroom left"
    queries = (Query(_count(seen, kind.available, kind), ("available",)), Query(_count(seen, kind.desired, kind), ("wanted",)))
    return Panel("replicas-over-time", "Replicas", Chart.LINES, Unit.COUNT, queries, text + ".", Origin("availability"),
                 tuple(marks), minimum=0, maximum=float(said.max) if said.max is not None else None)
