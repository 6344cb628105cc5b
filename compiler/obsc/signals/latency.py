"""Latency: how long a request takes, and how long until its first token."""

from __future__ import annotations

from dataclasses import replace

from obsc import durations
from obsc.buckets import snap
from obsc.catalog.profile import Term
from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Text, Unit
from obsc.promises import promised
from obsc.promql import Aggregate, Binary, Call, Expr, Matcher, Number, aggregate, any_of, increase, rate
from obsc.signals.alert import QUIET, WARNING, WHO, Contribution, Story, alert, busy, lines, of_model, seconds, share
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject, bound

SLOW = Default("HighInferenceLatency", WARNING, hold=600, kind="duration", enabled=False)
FIRST = Default("SlowFirstToken", WARNING, hold=600, threshold=1.0, kind="duration")
QUEUED = Default("QueueWaitHigh", WARNING, hold=600, threshold=0.5, kind="duration", enabled=False)
SLOW_SHARE = 0.05
_SHARE_OF = {QUEUED.name: 0.1}
_QUANTILES = (0.5, 0.95, 0.99)
_LEAST = 20
_STREAM = ("interTokenLatency", "inter-token", "Inter-Token Latency")

_CHECKS = (
    "Is it the queue, the prompt or the generation? Compare waiting requests with running ones.",
    "Are prompts or answers longer than usual?",
    "Is one replica slow, or all? Look at accelerator clocks, temperature and CPU throttling.",
    "Look at the rollouts of the last hour; roll back if one fits.",
)


def latency(subject: Subject) -> Contribution:
    """HighInferenceLatency over whole requests (off until a threshold is known: the duration of an answer depends
    on its length), SlowFirstToken over the time to the first token, QueueWaitHigh over the time before the first step.
    """
    request = _part(subject, "requestDuration", SLOW, "inference-latency", "Inference Latency", "answers slowly")
    first = _part(subject, "timeToFirstToken", FIRST, "first-token", "Time to First Token",
                  "takes long until the first token")
    queue = _part(subject, "queueDuration", QUEUED, "queue-time", "Time in the Queue", "lets requests wait")
    return Contribution(alerts=request.alerts + first.alerts + queue.alerts,
                        panels=request.panels + first.panels + queue.panels + _stream(subject),
                        omitted=request.omitted + first.omitted + queue.omitted)


def _stream(subject: Subject) -> tuple[tuple[str, Panel], ...]:
    """How evenly tokens stream once the first has come."""
    signal, key, title = _STREAM
    found = subject.readings(signal)
    return (("latency", _panel(subject, found, None, key, title)),) if found else ()


def _part(subject: Subject, signal: str, default: Default, key: str, title: str, what: str) -> Contribution:
    found = subject.readings(signal)
    if not found:
        return Contribution(omitted=((default.name, f"no metric of the runtime measures {signal}"),))
    watched = promised(subject.resolved, signal)
    settings = subject.settings(replace(default, enabled=False) if watched else default)
    if settings is not None:
        settings = snapped(settings, found)
    alerts = (_alert(subject, settings, found, Story(
        signal, "latency", key, (*WHO, " ", what), (), "Users wait.", _CHECKS)),) if settings is not None else ()
    unasked = "`enabled: true` turns it on" if default.threshold else "the spec gives no threshold"
    reason = "an objective watches it" if watched else unasked
    omitted = ((default.name, f"off by default: {reason}"),) if settings is None else ()
    spread = () if default is QUEUED else _spread(subject, found, key, title)
    panels = (_panel(subject, found, settings, key, title), *spread)
    return Contribution(alerts=alerts, panels=tuple(("latency", panel) for panel in panels), omitted=omitted)


def snapped(settings: Settings, found: tuple[Reading, ...]) -> Settings:
    """Settings with the threshold on a real bucket bound, where the alert counts requests beyond it."""
    histogram = found[0].measure.histogram
    if histogram is None or settings.quantile is not None:
        return settings
    facts, scale = found[0].metric(histogram), found[0].scale(histogram)
    return replace(settings, threshold=snap(settings.threshold * scale, facts.buckets) / scale)


def _alert(subject: Subject, settings: Settings, found: tuple[Reading, ...], story: Story) -> AlertRule:
    histogram = found[0].measure.histogram
    if histogram is not None:
        # A release that has a mean in its place is not judged where the version leaves open which of them runs.
        found = tuple(one for one in found if one.measure.histogram is not None)
    text, model = durations.spoken(settings.threshold), of_model(subject, found[0])
    if histogram is None:
        expr = any_of(*(mean(subject, one) for one in found))
        body: Text = ("The mean", *model, " is ", seconds(), ", above ", text, ".")
        compared: Expr = Binary(">", expr, Number(settings.threshold))
    elif settings.quantile is not None:
        expr = any_of(*(quantile(subject, one, settings.quantile) for one in found))
        body = ("The ", _name(settings.quantile), " quantile", *model, " is ", seconds(), ", above ", text, ".")
        compared = Binary(">", expr, Number(settings.threshold))
    else:
        expr = any_of(*(_slow(subject, one, settings.threshold) for one in found))
        body = (share(), " of the requests", *model, " take longer than ", text, ".")
        compared = Binary(">", expr, Number(_SHARE_OF.get(settings.name, SLOW_SHARE)))
    counts = [count for one in found if (count := _count(subject, one)) is not None]
    if counts:
        compared = busy(any_of(*counts), _LEAST, subject.by(found[0]), compared)
    return alert(subject, settings, replace(story, description=body), compared)


def _name(quantile: float) -> str:
    return f"p{durations.number(quantile * 100)}"


def _bucket_rate(subject: Subject, reading: Reading) -> Aggregate:
    assert reading.measure.histogram is not None
    return aggregate("sum", _rate(subject, reading, reading.measure.histogram, "_bucket"), "le", *subject.by(reading))


def _rate(subject: Subject, reading: Reading, term: Term, suffix: str, *more: Matcher) -> Expr:
    return subject.once(reading, term, rate(subject.read(reading, term, suffix, *more), subject.span))


def quantile(subject: Subject, reading: Reading, rank: float) -> Expr:
    """A quantile of a reading's histogram, in seconds or as a ratio."""
    assert reading.measure.histogram is not None
    value = Call("histogram_quantile", (Number(rank), _bucket_rate(subject, reading)))
    return reading.scaled(reading.measure.histogram, value)


def _slow(subject: Subject, reading: Reading, threshold: float) -> Expr:
    term = reading.measure.histogram
    assert term is not None
    # Once more on a bound of this very metric: a unit's factor may have moved it by a last digit.
    limit = bound(snap(threshold * reading.scale(term), reading.metric(term).buckets))
    by = subject.by(reading)
    within = aggregate("sum", _rate(subject, reading, term, "_bucket", limit), *by)
    every = aggregate("sum", _rate(subject, reading, term, "_count"), *by)
    return Binary("-", Number(1), Binary("/", within, Binary(">", every, Number(0))))


def mean(subject: Subject, reading: Reading) -> Expr:
    """The mean of a reading, in seconds or as a ratio; no sample without requests."""
    measure = reading.measure
    if measure.histogram is not None:
        by, term = subject.by(reading), measure.histogram
        spent: Expr = aggregate("sum", _rate(subject, reading, term, "_sum"), *by)
        served: Expr = aggregate("sum", _rate(subject, reading, term, "_count"), *by)
    elif measure.gauge is not None:
        return _level(subject, reading, measure.gauge)
    else:
        assert measure.mean_sum is not None
        assert measure.mean_count is not None
        term = measure.mean_sum
        spent, served = (subject.rates(reading, (one,)) for one in (measure.mean_sum, measure.mean_count))
    return reading.scaled(term, Binary("/", spent, Binary(">", served, Number(0))))


def _level(subject: Subject, reading: Reading, term: Term) -> Expr:
    """A mean that the service reports itself: nobody can put those of several replicas together, so the longest."""
    return reading.scaled(term, aggregate("max", subject.read(reading, term), *subject.by(reading)))


def _count(subject: Subject, reading: Reading) -> Expr | None:
    measure = reading.measure
    term = measure.histogram or measure.mean_count
    if term is None:
        return None
    series = subject.read(reading, term, "_count" if measure.histogram is not None else "")
    return aggregate("sum", subject.once(reading, term, increase(series, subject.window)), *subject.by(reading))


def _panel(subject: Subject, found: tuple[Reading, ...], settings: Settings | None, key: str, title: str) -> Panel:
    seen = subject.viewed
    model = of_model(seen, found[0])
    queries = [Query(any_of(*(mean(seen, one) for one in found)), ("Mean", *model))]
    spread = [one for one in found if one.measure.histogram is not None]
    if spread:
        queries = [Query(any_of(*(quantile(seen, one, q) for one in spread)), (_name(q).upper(), " Latency", *model))
                   for q in _QUANTILES] + queries
    watched = f" {settings.name} fires at its line." if settings is not None else ""
    steps = subject.resolved.service.traces.spans
    watched += f" Traces tell the steps apart: {', '.join(steps)}." if steps else ""
    return Panel(
        key, title, Chart.LINES, Unit.SECONDS, tuple(queries),
        "Only requests that finished are counted: a server that hangs shows no slow ones." + watched,
        Origin(key), lines(settings), minimum=0, width=12, empty=QUIET)


def _spread(subject: Subject, found: tuple[Reading, ...], key: str, title: str) -> tuple[Panel, ...]:
    """Every bucket over time: two kinds of requests, which no quantile tells apart, are two bands here."""
    histogram = found[0].measure.histogram
    # A bucket's bound is its label, so a histogram of another unit than seconds cannot be drawn in seconds.
    if histogram is None or found[0].scale(histogram) != 1:
        return ()
    seen = subject.viewed
    series = [aggregate("sum", _rate(seen, one, one.measure.histogram, "_bucket"), "le")
              for one in found if one.measure.histogram is not None]
    return (Panel(
        f"{key}-spread", f"{title}, Spread", Chart.HEAT, Unit.SECONDS, (Query(any_of(*series), (Field(label="le"),)),),
        "Requests per second by how long they took: the darker, the more.", Origin(key), width=12, empty=QUIET),)
