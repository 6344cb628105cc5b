"""Availability: is anything there to answer, and is it as much as it should be?"""

from __future__ import annotations

from obsc import endpoints
from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Severity, Threshold, Unit
from obsc.promql import Binary, Call, Expr, Number, Selector, aggregate, any_of
from obsc.signals.alert import CRITICAL, WARNING, WHO, Contribution, Replicas, Story, alert, lasting, lines, replicas, share, unless_young
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
    count, scraped = replicas(subject), not endpoints.pageless(subject.resolved)
    alerts = [*((_down(subject),) if scraped else ()), *(_replicas(subject, count) if count is not None else ())]
    panels = [("status", _targets(subject))] if scraped else []
    if count is not None and (seen := replicas(subject.viewed)) is not None:
        panels += [("status", _ready(subject, seen)), ("kubernetes", _bounds(subject, seen))]
    omitted = () if count is not None else tuple((default.name, "no series counts the replicas of this kind of workload")
                                       for default in (NOT_READY, FEWER))
    omitted += () if scraped else ((DOWN.name, NO_PAGE),)
    return Contribution(alerts=tuple(a for a in alerts if a is not None), panels=tuple(panels), omitted=omitted)


def answering(subject: Subject) -> Selector:
    """What says that the service is there: its targets, or what an exporter says that answers in its place."""
    for one in subject.readings("up"):
        if one.job == subject.main_job and one.measure.gauge is not None:
            return subject.read(one, one.measure.gauge)
    return subject.own("up")


def _up(subject: Subject) -> Expr:
    return aggregate("sum", answering(subject), "namespace")


def _down(subject: Subject) -> AlertRule | None:
    settings = subject.settings(DOWN)
    if settings is None:
        return None
    expr = _none_answers(subject)
    guarded = unless_young(subject, expr, "namespace")
    # Two scrapes at least. Pods that wait for a node have no age yet, and some services have no pods to ask: there only
    # time tells a start from an outage.
    aged = guarded is not expr and subject.resolved.service.workload.replicas.min > 0
    least = max(2 * subject.interval, 0 if aged else subject.startup)
    return alert(subject, lasting(subject, settings, least), Story(
        "up", "availability", "targets-up", (*WHO, " is down"),
        ("No target of ", Field(label="service"), " answers, or none is left. Every request fails."),
        "All requests fail.", _CHECKS), guarded)


def _none_answers(subject: Subject) -> Expr:
    """Each half covers what the other misses: a sum says nothing when there are no targets at all.

    A service that may scale to zero has none for long, which is an outage only while somebody wants replicas.
    """
    silent = Binary("==", _up(subject), Number(0))
    absent = any_of(*(Call("absent", (one,)) for one in subject.each_site(answering(subject))))
    either = Binary("or", silent, aggregate("sum", absent, "namespace"))
    if subject.resolved.service.workload.replicas.min > 0:
        return either
    count = replicas(subject)
    return silent if count is None else Binary("and", either, Binary(">", count.wanted, Number(0)), on=("namespace",))


def _replicas(subject: Subject, count: Replicas) -> list[AlertRule]:
    available, wanted = count.available, Binary(">", count.wanted, Number(0))
    alerts = []
    none = subject.settings(NOT_READY)
    if none is not None:
        alerts.append(alert(subject, lasting(subject, none, subject.startup), Story(
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
        alerts.append(alert(subject, lasting(subject, fewer, subject.startup + 300), Story(
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


def _ready(subject: Subject, seen: Replicas) -> Panel:
    ready = Binary("/", seen.available, Binary(">", seen.wanted, Number(0)))
    return Panel(
        "replicas", "Replicas ready", Chart.NUMBER, Unit.RATIO, (Query(ready, ("ready",)),),
        "Available replicas over wanted ones. NoReadyReplicas fires at none, ReplicasBelowDesired below its share.",
        Origin("availability"), lines(subject.settings(FEWER), above=False), minimum=0, maximum=1, width=4)


def _bounds(subject: Subject, seen: Replicas) -> Panel:
    """Replicas over time, with the bounds in which the spec lets them move."""
    said = subject.resolved.service.workload.replicas
    marks = [Threshold(said.min, Severity.WARNING, above=False)]
    text = f"Available and wanted replicas. The spec allows {said.min}"
    if said.max is not None and said.max > said.min:
        text += f" to {said.max}; at the upper bound there is no headroom left"
    queries = (Query(seen.available, ("available",)), Query(seen.wanted, ("wanted",)))
    return Panel("replicas-over-time", "Replicas", Chart.LINES, Unit.COUNT, queries, text + ".", Origin("availability"),
                 tuple(marks), minimum=0, maximum=float(said.max) if said.max is not None else None)
