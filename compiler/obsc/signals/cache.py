"""Room for tokens: a cache that is full is the design goal under load; what is pushed out or waits for it is the fault."""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Unit
from obsc.promql import Binary, Expr, Number, any_of
from obsc.signals.alert import QUIET, WARNING, WHO, Contribution, Story, alert, busy, lines, of_model, share
from obsc.signals.figures import SITE, flow, flows, gauges, level, replica
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

THRASHING = Default("KVCacheThrashing", WARNING, hold=600, threshold=0.95, kind="ratio")
PREEMPTIONS = Default("PreemptionsHigh", WARNING, hold=600, threshold=0.05, kind="ratio", enabled=False)
_PUSHED_OUT, _LEAST = 0.1, 20

# The runtimes' own advice: less memory for the cache makes it worse.
_CHECKS = (
    "Are prompts or answers longer than usual? Long contexts fill the cache.",
    "Give the cache more of the device's memory, or let fewer requests in at a time.",
    "Spread the model over more devices, store the cache in fewer bits, or add replicas.",
)


def cache(subject: Subject) -> Contribution:
    """KVCacheThrashing and PreemptionsHigh: work that is thrown away and done again."""
    filled, queued = gauges(subject, "kvCacheUsage"), gauges(subject, "requestsWaiting")
    pushed, served = flows(subject, "preemptions"), flows(subject, "traffic")
    followed = pushed or queued
    alerts, omitted = taken(subject, (
        Offer(THRASHING, lambda said: _thrashing(subject, said, filled, pushed, queued),
              "" if filled and followed else "no metric of the runtime tells how full its cache is, and what follows from it"),
        Offer(PREEMPTIONS, lambda said: _preempted(subject, said, pushed, served),
              "" if pushed and served else "no metric of the runtime counts requests that are pushed out")))
    panels = [*_usage(subject, filled), *_effects(subject, pushed, served)]
    return Contribution(alerts=alerts, panels=tuple(("saturation", panel) for panel in panels), omitted=omitted)


def _thrashing(subject: Subject, settings: Settings, filled: tuple[Reading, ...], pushed: tuple[Reading, ...],
               queued: tuple[Reading, ...]) -> AlertRule:
    by = replica(subject)
    full = Binary(">", level(subject, filled, *by, op="max"), Number(settings.threshold))
    follows: list[Expr] = [Binary(">", flow(subject, pushed, *by), Number(_PUSHED_OUT))] if pushed else []
    follows += [Binary(">", level(subject, queued, *by), Number(0))] if queued else []
    return alert(subject, settings, Story(
        "kvCacheUsage", "saturation", "kv-cache", (*WHO, " has no room for tokens, and requests pay for it"),
        (by[-1].capitalize(), " ", Field(label=by[-1]), " has its cache filled to ", share(), ", and requests wait or are pushed out."),
        "Work is thrown away and done again: latency jumps.", _CHECKS), Binary("and", full, any_of(*follows), on=by))


def _part(subject: Subject, pushed: tuple[Reading, ...], served: tuple[Reading, ...]) -> Expr:
    return Binary("/", flow(subject, pushed, *SITE), Binary(">", flow(subject, served, *SITE), Number(0)))


def _preempted(subject: Subject, settings: Settings, pushed: tuple[Reading, ...], served: tuple[Reading, ...]) -> AlertRule:
    count = Binary("*", flow(subject, served, *SITE), Number(subject.window))
    return alert(subject, settings, Story(
        "preemptions", "saturation", "preemptions", (*WHO, " pushes requests out of its batch"),
        (share(), " pushed-out requests for each that is served."), "Their tokens are computed again: latency jumps.", _CHECKS),
        busy(count, _LEAST, SITE, Binary(">", _part(subject, pushed, served), Number(settings.threshold))))


def _usage(subject: Subject, filled: tuple[Reading, ...]) -> list[Panel]:
    if not filled:
        return []
    seen = subject.viewed
    fullest = Query(level(seen, filled, *seen.by(filled[0]), op="max"), ("fullest", *of_model(seen, filled[0])))
    return [Panel(
        "kv-cache", "KV Cache Usage", Chart.LINES, Unit.RATIO, (fullest,),
        "Share of the cache that is in use, of the fullest replica. Full is the design goal under load; KVCacheThrashing fires where "
        "requests wait or are pushed out besides.", Origin("cache"), lines(subject.settings(THRASHING)), minimum=0, maximum=1)]


def _effects(subject: Subject, pushed: tuple[Reading, ...], served: tuple[Reading, ...]) -> list[Panel]:
    """What the cache saves, and what its want of room costs. Only its own past tells whether a share of reused prefixes is little."""
    seen, prefixes = subject.viewed, subject.readings("prefixCache")
    queries = [Query(_part(seen, pushed, served), ("pushed out",))] if pushed and served else []
    if prefixes:
        queries.append(Query(any_of(*(_reused(seen, one) for one in prefixes)), ("prefixes reused", *of_model(seen, prefixes[0]))))
    return [Panel(
        "preemptions", "Prefixes Reused, Requests Pushed Out", Chart.LINES, Unit.RATIO, tuple(queries),
        "Share of prompt tokens that were found in the cache of prefixes; requests that gave up their place in the batch, for each that "
        "was served.", Origin("cache"), lines(subject.settings(PREEMPTIONS)) if pushed and served else (), minimum=0,
        empty=QUIET)] if queries else []


def _reused(subject: Subject, one: Reading) -> Expr:
    hits, looked = one.measure.mean_sum, one.measure.mean_count
    if hits is None or looked is None:
        return level(subject, (one,), *subject.by(one), op="max")
    return Binary("/", subject.rates(one, (hits,)), Binary(">", subject.rates(one, (looked,)), Number(0)))
