"""Demand against room: requests that wait, that are turned away, whose clients give up."""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Origin, Panel, Query, Unit
from obsc.promql import Binary, Expr, Number
from obsc.promql import ratio as share_of
from obsc.signals.alert import QUIET, WARNING, WHO, Contribution, Story, alert, busy, figure, lines, of_model, share
from obsc.signals.figures import SITE, flow, gauges, level
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

BUILDUP = Default("QueueBuildup", WARNING, hold=600, threshold=10)
NOT_DRAINING = Default("QueueNotDraining", WARNING, hold=0, enabled=False)
SHED = Default("RequestsShed", WARNING, hold=300, threshold=0.01, kind="ratio", enabled=False)
GIVE_UP = Default("ClientsGiveUp", WARNING, hold=900, threshold=0.05, kind="ratio", enabled=False)
_TIMES_RUNNING, _TIMES_USUAL, _LEAST = 2.0, 3.0, 20
_QUARTER, _DAY = 900.0, 86400.0

_QUEUE_CHECKS = (
    "Do requests wait at one replica or at all? At one: routing, or a replica that is stuck.",
    "Is the autoscaler at its bound, or broken?",
    "Did traffic grow, or did requests get longer?",
    "Raise the bound of replicas, take out the bad pod, or turn away what can wait.",
)
_SHED_CHECKS = ("Is the queue full everywhere, or at one replica?", "Compare traffic with that of a week ago.",
                "Add replicas; a wider queue only lets clients wait longer.")
_GIVE_UP_CHECKS = ("Compare the timeouts of clients and gateways with the latency of the slowest requests.",
                   "Look at the time to the first token and at the queue.", "Was a client or gateway changed?")


def waiting(subject: Subject) -> Contribution:
    """QueueBuildup judges the queue by what runs and not by a magic number: a big replica may well have a long queue."""
    queued, running = gauges(subject, "requestsWaiting"), gauges(subject, "requestsRunning")
    shed, gone = subject.readings("requestsShed"), subject.readings("requestsAbandoned")
    none = "" if queued else "no metric of the runtime tells how many requests wait"
    alerts, omitted = taken(subject, (
        Offer(BUILDUP, lambda said: _buildup(subject, said, queued, running), none),
        Offer(NOT_DRAINING, lambda said: _not_draining(subject, said, queued), none),
        Offer(SHED, lambda said: _shed(subject, said, shed),
              "" if shed else "no metric of the runtime counts requests that are turned away"),
        Offer(GIVE_UP, lambda said: _give_up(subject, said, gone), "" if gone else "no metric of the runtime counts clients that leave")))
    panels = [*_queue(subject, queued, running), *_lost(subject, shed, gone)]
    return Contribution(alerts=alerts, panels=tuple(("saturation", panel) for panel in panels), omitted=omitted)


def _mean(subject: Subject, found: tuple[Reading, ...]) -> Expr:
    return level(subject, found, *SITE, function="avg_over_time", window=subject.window)


def _buildup(subject: Subject, settings: Settings, queued: tuple[Reading, ...], running: tuple[Reading, ...]) -> AlertRule:
    many = Binary(">", _mean(subject, queued), Number(settings.threshold))
    if running:
        more = Binary(">", _mean(subject, queued), Binary("*", Number(_TIMES_RUNNING), _mean(subject, running)))
        many = Binary("and", many, more, on=SITE)
    return alert(subject, settings, Story(
        "requestsWaiting", "saturation", "queue", (*WHO, " has a queue that outgrows what it serves"),
        (figure(), " requests wait, far more than are served at a time."), "Latency follows: users wait, then clients give up.",
        _QUEUE_CHECKS), many)


def _not_draining(subject: Subject, settings: Settings, queued: tuple[Reading, ...]) -> AlertRule:
    span = max(_QUARTER, subject.window)
    always = Binary(">", level(subject, queued, *SITE, function="min_over_time", window=span), Number(0))
    rising = Binary(">", level(subject, queued, *SITE, function="deriv", window=span), Number(0))
    return alert(subject, settings, Story(
        "requestsWaiting", "saturation", "queue", (*WHO, " never empties its queue, and it grows"),
        (figure(), " requests at least waited all the time for a quarter of an hour."), "Latency will follow.", _QUEUE_CHECKS),
        Binary("and", always, rising, on=SITE))


def _part(subject: Subject, found: tuple[Reading, ...], window: float = 0) -> Expr:
    return share_of(flow(subject, found, *SITE, window=window, errors=True), flow(subject, found, *SITE, window=window))


def _shed(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    count = Binary("*", flow(subject, found, *SITE), Number(subject.window))
    return alert(subject, settings, Story(
        "requestsShed", "saturation", "requests-lost", (*WHO, " turns requests away"),
        (share(), " of the requests are turned away for want of room."), "Users get an error at once; it is capacity, and no fault.",
        _SHED_CHECKS), busy(count, _LEAST, SITE, Binary(">", _part(subject, found), Number(settings.threshold))))


def _give_up(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    span = max(_QUARTER, subject.window)
    now = _part(subject, found, span)
    usual = Binary("*", Number(_TIMES_USUAL), _part(subject, found, _DAY))
    count = Binary("*", flow(subject, found, *SITE, window=span), Number(span))
    both = Binary("and", Binary(">", now, Number(settings.threshold)), Binary(">", now, usual), on=SITE)
    return alert(subject, settings, Story(
        "requestsAbandoned", "latency", "requests-lost", (*WHO, " loses its clients before the answer"),
        (share(), " of the requests end because their client left, three times the day's share or more."),
        "Users give up, or a gateway gives up for them; what was computed is thrown away.", _GIVE_UP_CHECKS),
        busy(count, _LEAST, SITE, both))


def _queue(subject: Subject, queued: tuple[Reading, ...], running: tuple[Reading, ...]) -> list[Panel]:
    seen = subject.viewed
    queries = tuple(Query(level(seen, found, *seen.by(found[0])), (name, *of_model(seen, found[0])))
                    for found, name in ((running, "running"), (queued, "waiting")) if found)
    if not queries:
        return []
    return [Panel(
        "queue", "Running and Waiting Requests", Chart.LINES, Unit.COUNT, queries,
        "Requests in the batch and in the queue. Waiting ones that do not go away are missing capacity; QueueBuildup fires where more "
        "wait than its line and than twice those that run.", Origin("waiting"),
        lines(subject.settings(BUILDUP)) if queued else (), minimum=0)]


def _lost(subject: Subject, shed: tuple[Reading, ...], gone: tuple[Reading, ...]) -> list[Panel]:
    seen = subject.viewed
    queries = tuple(Query(_part(seen, found), (name,)) for found, name in ((shed, "turned away"), (gone, "client left")) if found)
    if not queries:
        return []
    return [Panel(
        "requests-lost", "Requests Turned Away and Abandoned", Chart.LINES, Unit.RATIO, queries,
        "Shares of the requests that found no room, and whose client did not wait for the answer.", Origin("waiting"),
        lines(*(subject.settings(one) for one, found in ((SHED, shed), (GIVE_UP, gone)) if found)), minimum=0, empty=QUIET)]
