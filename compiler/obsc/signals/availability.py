"""Availability: is anything there to answer, and is it as much as it should be?"""

from __future__ import annotations

from obsc.catalog.kinds import KINDS, WorkloadKind
from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Unit
from obsc.promql import Binary, Call, Expr, Number, aggregate, equal
from obsc.signals.alert import CRITICAL, WARNING, WHO, Contribution, Story, alert, lines, share, unless_young
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

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
    alerts = [_down(subject), *(_replicas(subject, kind) if kind is not None and counted else ())]
    panels = [("status", _targets(subject))]
    if kind is not None and counted:
        panels.append(("status", _ready(subject, kind)))
    omitted = () if counted else tuple((default.name, "no source counts the replicas of this workload")
                                       for default in (NOT_READY, FEWER))
    return Contribution(alerts=tuple(a for a in alerts if a is not None), panels=tuple(panels), omitted=omitted)


def _up(subject: Subject) -> Expr:
    return aggregate("sum", subject.own("up"), "namespace")


def _down(subject: Subject) -> AlertRule | None:
    settings = subject.settings(DOWN)
    if settings is None:
        return None
    gone = aggregate("sum", Call("absent", (subject.own("up"),)), "namespace")
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
    return aggregate("max", subject.of_objects(name, equal(kind.label, workload.name or subject.name)), "namespace")


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
    if fewer is not None:
        alerts.append(alert(subject, _held(fewer, subject.startup + 300), Story(
            "replicas", "saturation", "replicas", (*WHO, " runs with fewer replicas than it should"),
            ("Only ", share(), " of the wanted replicas are available."),
            "Less capacity: queues and latency grow under load.", _CHECKS),
            Binary("<", Binary("/", available, wanted), Number(fewer.threshold))))
    return alerts


def _targets(subject: Subject) -> Panel:
    seen = subject.viewed
    return Panel(
        "targets-up", "Targets up", Chart.NUMBER, Unit.COUNT,
        (Query(aggregate("sum", seen.own("up"), "namespace"), ("up",)),),
        "Targets of the service that answer their scrape. Zero means an outage or a broken scrape; ServiceDown watches it.",
        Origin("availability"), lines(Settings("", CRITICAL, 0, 0, 1, None, "", Origin("")), above=False), minimum=0, width=4)


def _ready(subject: Subject, kind: WorkloadKind) -> Panel:
    seen = subject.viewed
    ready = Binary("/", _count(seen, kind.available, kind), Binary(">", _count(seen, kind.desired, kind), Number(0)))
    return Panel(
        "replicas", "Replicas ready", Chart.NUMBER, Unit.RATIO, (Query(ready, ("ready",)),),
        "Available replicas over wanted ones. NoReadyReplicas fires at none, ReplicasBelowDesired below its share.",
        Origin("availability"), lines(subject.settings(FEWER), above=False), minimum=0, maximum=1, width=4)
