"""Objectives: what of the service's promises is kept, and alerts when their budgets are spent too fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from obsc import durations, slo
from obsc.buckets import snap
from obsc.catalog.profile import Measure, Term
from obsc.encode import re2_literal
from obsc.ir import AlertRule, Chart, Field, Objective, Panel, Query, Severity, Sli, Text, Threshold, Unit
from obsc.promises import promises, signal_of
from obsc.promql import Binary, Call, Expr, Number, aggregate, any_of, increase, rate, read_matcher, regex, select
from obsc.signals.alert import CRITICAL, INFO, QUIET, WARNING, WHO, Contribution, Story, alert, of_model, share
from obsc.signals.latency import mean, quantile
from obsc.signals.own import number
from obsc.signals.reading import Reading
from obsc.signals.settings import Default
from obsc.signals.subject import Subject, bound, total
from obsc.signals.written import written_sum
from obsc.spec.objectives import Objective as Said

FAST = Default("SLOBurnFast", CRITICAL, hold=120)
SLOW = Default("SLOBurnSlow", WARNING, hold=900)
GONE = Default("SLOMetricAbsent", WARNING, hold=900)
EXHAUSTED = Default("SLOErrorBudgetExhausted", INFO, hold=600)
LATENCIES = frozenset({"requestDuration", "timeToFirstToken", "interTokenLatency", "timePerOutputToken", "queueDuration"})
# Of these, less is worse.
FALLING = frozenset({"traffic", "inputTokens", "outputTokens", "predictions", "qualityScore"})
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
_HOUR = 3600.0
_CHECKS = (
    "Split what is bad by reason, by pod and by model version: one of them or all?",
    "Look at the rollouts of the last hour; roll back if one fits.",
    "Look at the rows below the promises: queue, memory, accelerators, upstream services.",
)


def objectives(subject: Subject) -> Contribution:
    """For each promise: its recorded series, an alert for a budget that burns fast and one for slowly, and panels."""
    found = [one for said in promises(subject.resolved) if (one := objective(subject, said)) is not None]
    recordings = tuple(rule for one in found for rule in slo.recordings(one, subject.static_labels, subject.place()))
    alerts = tuple(rule for one in found for rule in _alerts(subject, one))
    blind = [_unbucketed(subject, said) for said in promises(subject.resolved)]
    alerts += tuple(rule for rule in (*blind, _exhausted(subject, found)) if rule is not None)
    panels = tuple(("objectives", panel) for one in found for panel in _panels(subject, one))
    return Contribution(recordings, alerts, panels, _unseen(subject), objectives=tuple(found))


def _unseen(subject: Subject) -> tuple[tuple[str, str], ...]:
    """Of the usual promises those that no component can show; what the spec itself promises is an error then."""
    if subject.resolved.service.objectives is not None or not subject.resolved.first:
        return ()
    every = [Subject(part) for part in subject.resolved.parts]
    return tuple((FAST.name, f"nothing measures {signal_of(said)}, so that {said.name} is not promised")
                 for said in promises(subject.resolved) if not any(one.readings(signal_of(said)) for one in every))


def objective(subject: Subject, said: Said) -> Objective | None:
    """A promise as this component shows it; None where another one does, or nothing can."""
    viewer = replace(subject, merged=True) if said.per == "service" else subject
    made = _source(viewer, said)
    if made is None:
        return None
    sli, promise, signal, kind, model = made
    resolved = subject.resolved
    identity = "/".join((resolved.identity.namespace, resolved.full_name, said.name))
    written = resolved.service.objectives is not None
    origin = resolved.origins.origin(*(("objectives", said.name) if written else ("runtime", "name")))
    return Objective(said.name, identity, sli, said.target, said.window, Severity(said.severity),
                     resolved.service.traffic.requests_per_second, promise, model, signal, kind, _CHECKS, origin)


_Made = tuple[Sli, Text, str, str, Text]


def _source(subject: Subject, said: Said) -> _Made | None:
    if said.sli is not None:
        return _events(subject, said)
    if said.indicator is not None:
        return _indicator(subject, said)
    found = readings(subject, said)
    if not found:
        return None
    return _of_signal(subject, said, found)


def readings(subject: Subject, said: Said) -> tuple[Reading, ...]:
    """How the number of a promise is read here, with the matchers that the promise adds."""
    here = said.component is None or said.component == subject.resolved.component
    if not here:
        return ()
    if said.component is not None:
        subject = replace(subject, silent=frozenset())
    found = _of_metric(subject, said.metric) if said.metric else subject.readings(signal_of(said))
    return tuple(_narrowed(one, said) for one in found)


def _of_metric(subject: Subject, name: str) -> tuple[Reading, ...]:
    facts, job = subject.facts(name), subject.job_of(name)
    if facts is None or job is None or facts.type != "histogram":
        return ()
    return (Reading(name, Measure("the service itself", histogram=Term(name)), {name: facts}, job),)


def _narrowed(reading: Reading, said: Said) -> Reading:
    more = tuple((one.label, one.op, one.value) for one in map(read_matcher, said.matchers))
    if not more:
        return reading

    def terms(found: tuple[Term, ...]) -> tuple[Term, ...]:
        return tuple(replace(one, matchers=(*one.matchers, *more)) for one in found)

    def term(found: Term | None) -> Term | None:
        return terms((found,))[0] if found is not None else None

    m = reading.measure
    return replace(reading, measure=replace(
        m, errors=terms(m.errors), total=terms(m.total), counters=terms(m.counters), histogram=term(m.histogram),
        mean_sum=term(m.mean_sum), mean_count=term(m.mean_count), gauge=term(m.gauge)))


def _of_signal(subject: Subject, said: Said, found: tuple[Reading, ...]) -> _Made | None:
    signal = signal_of(said) or "requestDuration"
    model, by = of_model(subject, found[0]), subject.by(found[0])
    percent = f"{durations.number(said.target * 100)}%"
    if signal == "availability":
        sli = _ranges(subject, by, lambda span: any_of(*(_failed(subject, one, span) for one in found)),
                      lambda span: any_of(*(_every(subject, one, span) for one in found)))
        return sli, (percent, " of the requests succeed"), signal, "errors", model
    limit = limit_of(said, found[0])
    if limit is None:
        return None
    kind = "latency" if signal in LATENCIES or said.metric else "quality" if signal == "qualityScore" else "saturation"
    shown = durations.spoken(limit) if kind == "latency" else durations.number(limit)
    if counts_requests(said, found[0]):
        return (_within(subject, found, limit), (percent, " of the requests within ", shown), signal, "latency", model)
    value = _value(subject, said, found)
    if value is None:
        return None
    low = signal in FALLING
    judged = Binary("<" if low else ">", value, Number(limit), boolean=True)
    words = (percent, f" of the minutes with {said.statistic or signal} {'at least' if low else 'at most'} ", shown)
    return Sli(by, judged=judged), words, signal, kind, model


def counts_requests(said: Said, reading: Reading) -> bool:
    """Whether a promise is judged request by request: a histogram tells, and no statistic is asked for."""
    return reading.measure.histogram is not None and said.statistic is None


def limit_of(said: Said, reading: Reading) -> float | None:
    """The threshold in seconds, as a ratio or a number; on a bucket bound where requests are counted."""
    if said.threshold is None:
        return None
    histogram = reading.measure.histogram
    if histogram is None or not counts_requests(said, reading):
        return said.threshold.value
    scale = reading.scale(histogram)
    return snap(said.threshold.value * scale, reading.metric(histogram).buckets) / scale


def _ranges(subject: Subject, by: tuple[str, ...], bad: Callable[[float], Expr], every: Callable[[float], Expr]) -> Sli:
    """Rates over each range, or over what slow scrapes need."""
    spans = [(span, max(span, subject.window)) for span in slo.RAW]
    return Sli(by, tuple((span, bad(real)) for span, real in spans), tuple((span, every(real)) for span, real in spans))


def _every(subject: Subject, reading: Reading, span: float) -> Expr:
    return subject.rates(reading, reading.measure.total, span)


def _failed(subject: Subject, reading: Reading, span: float) -> Expr:
    none_yet = Binary("*", Number(0), _every(subject, reading, span))
    return Binary("or", subject.rates(reading, reading.measure.errors, span), none_yet)


def _within(subject: Subject, found: tuple[Reading, ...], limit: float) -> Sli:
    """Requests beyond a bucket's bound. What is counted is what finished: failures are counted by another promise."""
    by = subject.by(found[0])

    def count(reading: Reading, span: float, *, fast: bool) -> Expr:
        term = reading.measure.histogram
        assert term is not None
        matchers = (bound(snap(limit * reading.scale(term), reading.metric(term).buckets)),) if fast else ()
        series = subject.read(reading, term, "_bucket" if fast else "_count", *matchers)
        return aggregate("sum", subject.once(reading, term, rate(series, span)), *by)

    def slow(reading: Reading, span: float) -> Expr:
        # Both are read at one moment, but not always at one scrape: a difference of nothing may come out below it.
        return Call("clamp_min", (Binary("-", count(reading, span, fast=False), count(reading, span, fast=True)), Number(0)))

    return _ranges(subject, by, lambda span: any_of(*(slow(one, span) for one in found)),
                   lambda span: any_of(*(count(one, span, fast=False) for one in found)))


def _value(subject: Subject, said: Said, found: tuple[Reading, ...]) -> Expr | None:
    """The number that each minute is judged by."""
    measure = found[0].measure
    if said.statistic in _QUANTILES:
        spread = [one for one in found if one.measure.histogram is not None]
        return any_of(*(quantile(subject, one, _QUANTILES[str(said.statistic)]) for one in spread)) if spread else None
    if measure.histogram is not None or measure.mean_sum is not None:
        return any_of(*(mean(subject, one) for one in found))
    if measure.gauge is not None:
        worst = "min" if found[0].signal in FALLING else "max"
        return any_of(*(_level(subject, one, worst) for one in found if one.measure.gauge is not None))
    if measure.counters or measure.total:
        return any_of(*(subject.rates(one, one.measure.counters or one.measure.total) for one in found))
    return None


def _level(subject: Subject, reading: Reading, worst: str) -> Expr:
    term = reading.measure.gauge
    assert term is not None
    return reading.scaled(term, aggregate(worst, subject.read(reading, term), *subject.by(reading)))


def _events(subject: Subject, said: Said) -> _Made | None:
    if said.sli is None or not subject.resolved.first:
        return None
    bad, every = (written_sum(subject, text) for text in (said.sli.errors, said.sli.total))
    if not bad or not every:
        return None
    by = ("namespace",)

    def added(parts: tuple[Expr, ...], span: float) -> Expr:
        return total([aggregate("sum", rate(one, span), *by) for one in parts], lazy=len(parts) > 1)

    def missing(span: float) -> Expr:
        return Binary("or", added(bad, span), Binary("*", Number(0), added(every, span)))

    percent = f"{durations.number(said.target * 100)}%"
    words: Text = (percent, " of the events are good")
    return _ranges(subject, by, missing, lambda span: added(every, span)), words, f"slo-{said.name}", "custom", ()


def _indicator(subject: Subject, said: Said) -> _Made | None:
    found = next((one for one in subject.resolved.service.indicators if one.name == said.indicator and one.enabled), None)
    if found is None or not subject.resolved.first:
        return None
    value = number(subject, found)
    outside = [Binary(op, value, Number(edge), boolean=True) for op, edge in (("<", found.min), (">", found.max))
               if edge is not None] if value is not None else []
    if not outside:
        return None
    judged: Expr = outside[0] if len(outside) == 1 else Binary("+", outside[0], outside[1])
    words = (f"{durations.number(said.target * 100)}%", f" of the minutes with {found.name} within its bounds")
    return Sli(("namespace",), judged=aggregate("max", judged, "namespace")), words, f"slo-{said.name}", "custom", ()


def _alerts(subject: Subject, one: Objective) -> list[AlertRule]:
    pairs = slo.bearable(one)
    rules = [_burning(subject, one, [pair for pair in pairs if pair.pages is pages], default)
             for pages, default in ((True, FAST), (False, SLOW))]
    return [rule for rule in rules if rule is not None]


def _burning(subject: Subject, one: Objective, pairs: list[slo.Pair], default: Default) -> AlertRule | None:
    louder = default.severity is CRITICAL and one.highest is not CRITICAL
    settings = subject.settings(replace(default, severity=one.highest) if louder else default)
    if settings is None or not pairs:
        return None
    expr = any_of(*(_both(subject, one, pair) for pair in pairs))
    speed = "fast" if default is FAST else "too early"
    text: Text = ("The promise is ", *one.promise, *one.model, f" in {durations.show(one.window)}. Of late ", share(),
                  f" are bad, {durations.number(float(pairs[0].factor))} times what the budget bears, or more.")
    story = _story(one, "burn-" + one.name, (f" spends its budget of {one.name} {speed}",), text)
    return alert(subject, settings, story, expr, *_labels(one))


def _both(subject: Subject, one: Objective, pair: slo.Pair) -> Expr:
    """The long window says that it matters, the short one that it still goes on; and few events are no statistic."""
    place, by = subject.place(), one.sli.by
    short, long = (Binary(">", slo.ratio(one, place, span), Number(float(pair.limit))) for span in (pair.short, pair.long))
    both = Binary("and", short, long, on=by)
    if one.sli.judged is not None:
        return both
    return Binary("and", both, Binary(">=", slo.bad_events(one, place, pair.long), Number(slo.LEAST_EVENTS)), on=by)


def _story(one: Objective, panel: str, what: Text, text: Text) -> Story:
    return Story(one.signal, one.kind, panel, (*WHO, *what, *one.model), text,
                 "More users than promised are not served well.", one.checks)


def _labels(one: Objective) -> tuple[tuple[str, str], ...]:
    return (("slo", one.name), *slo.told(one))


def _exhausted(subject: Subject, found: list[Objective]) -> AlertRule | None:
    """One rule over the budgets of all promises: each of them is a series of its own."""
    settings = subject.settings(EXHAUSTED)
    if settings is None or not found:
        return None
    by = tuple(dict.fromkeys(("namespace", "sloth_id", "sloth_slo", *(label for one in found for label in one.sli.by))))
    mine = "|".join(re2_literal(one.id) for one in found)
    left = aggregate("max", select(slo.REMAINING, *subject.place(), regex("sloth_id", mine)), *by)
    slo_name = Field(label="sloth_slo")
    story = Story("budget", "budget", "budget-" + found[0].name, (*WHO, " has spent its budget of ", slo_name),
                  ("Of the budget of ", slo_name, " ", share(), " is left. Changes that may cost more of it can wait."),
                  "The promise is broken for the rest of its period.", _CHECKS)
    return alert(subject, settings, story, Binary("<", left, Number(0)))


def _unbucketed(subject: Subject, said: Said) -> AlertRule | None:
    """Requests are seen and the promise's bucket is not: other bounds run than are known, and the promise sees nothing."""
    settings, found = subject.settings(GONE), readings(subject, said)
    limit = limit_of(said, found[0]) if found else None
    if settings is None or limit is None or not counts_requests(said, found[0]) or len(found) > 1:
        return None
    term, reading = found[0].measure.histogram, found[0]
    assert term is not None
    edge = bound(snap(limit * reading.scale(term), reading.metric(term).buckets))
    seen = aggregate("sum", increase(subject.read(reading, term, "_count"), _HOUR), "namespace")
    there = aggregate("sum", increase(subject.read(reading, term, "_bucket", edge), _HOUR), "namespace")
    expr = Binary("unless", Binary(">", seen, Number(0)), there, on=("namespace",))
    text = f"{term.metric} counts requests, but has no bucket that ends at {durations.spoken(limit)}: the promise {said.name} is blind."
    return alert(subject, settings, Story("telemetry", "telemetry", "burn-" + said.name, (*WHO, f" cannot judge its promise {said.name}"),
                 (text,), "A broken promise would go unseen.", ("Were the bucket bounds changed? Write them into `runtime.buckets`.",)),
                 expr, ("slo", said.name))


def _panels(subject: Subject, one: Objective) -> tuple[Panel, Panel]:
    place, budget = subject.viewed.place(), 1 - one.target
    words = f"The promise: {_plain(one.promise)} in {durations.show(one.window)}. "
    left = Panel(
        "budget-" + one.name, f"Budget left: {one.name}", Chart.NUMBER, Unit.RATIO,
        (Query(slo.recorded(one, place, slo.REMAINING), ("left", *one.model)),),
        words + "What is left of the bad events that it allows; below zero it is broken.", one.origin,
        (Threshold(0, Severity.CRITICAL, above=False),), maximum=1, width=6, empty=QUIET)
    lines = tuple(Threshold(float(pair.limit), CRITICAL if pair.pages else WARNING) for pair in slo.bearable(one) if pair.short == slo.FAST)
    queries = tuple(Query(slo.ratio(one, place, span), (f"bad, {durations.show(span)}", *one.model)) for span in (slo.FAST, _HOUR))
    burn = Panel(
        "burn-" + one.name, f"Bad Events: {one.name}", Chart.LINES, Unit.RATIO, queries,
        words + f"The budget lasts below {durations.number(budget * 100)}% bad. SLOBurnFast and SLOBurnSlow watch it.", one.origin,
        tuple(sorted(lines, key=lambda mark: mark.value)), minimum=0, width=12, empty=QUIET)
    return left, burn


def _plain(text: Text) -> str:
    return "".join(part for part in text if isinstance(part, str))
