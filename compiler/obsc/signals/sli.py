"""What a promise counts: bad events and all events of a signal, a histogram, counters of one's own, or minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from obsc import durations, endpoints, slo
from obsc.buckets import snap
from obsc.catalog.profile import Measure, Term
from obsc.ir import Objective, Severity, Sli, Text
from obsc.promises import signal_of
from obsc.promql import Binary, Call, Expr, Number, aggregate, any_of, rate, read_matcher
from obsc.signals.alert import of_model
from obsc.signals.availability import answering
from obsc.signals.latency import mean, quantile
from obsc.signals.own import number
from obsc.signals.probes import probed
from obsc.signals.reading import Reading
from obsc.signals.subject import Subject, bound, total
from obsc.signals.written import written_sum
from obsc.spec.objectives import Objective as Said

LATENCIES = frozenset({"requestDuration", "timeToFirstToken", "interTokenLatency", "timePerOutputToken", "queueDuration"})
# Of these, less is worse.
FALLING = frozenset({"traffic", "inputTokens", "outputTokens", "predictions", "qualityScore"})
# There or not: these need no threshold.
PRESENCE = frozenset({"up", "probeSuccess"})
_QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
CHECKS = (
    "Split what is bad by reason, by pod and by model version: one of them or all?",
    "Look at the rollouts of the last hour; roll back if one fits.",
    "Look at the rows below the promises: queue, memory, accelerators, upstream services.",
)


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
                     resolved.service.traffic.requests_per_second, promise, model, signal, kind, CHECKS, origin)


_Made = tuple[Sli, Text, str, str, Text]


def _source(subject: Subject, said: Said) -> _Made | None:
    if said.sli is not None:
        return _events(subject, said)
    if said.indicator is not None:
        return _indicator(subject, said)
    if signal_of(said) in PRESENCE:
        return _answering(subject, said)
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


def _answering(subject: Subject, said: Said) -> _Made | None:
    """Minutes in which something answers: a target of the service, or each of its probes."""
    signal = signal_of(said)
    here = said.component is None or said.component == subject.resolved.component
    value = (_alive(subject) if signal == "up" else _probed(subject)) if here else None
    if value is None:
        return None
    words = f" of the minutes with {'a target' if signal == 'up' else 'every probe'} that answers"
    return Sli(("namespace",), judged=value), (f"{durations.number(said.target * 100)}%", words), signal, "availability", ()


def _alive(subject: Subject) -> Expr | None:
    """1 in each namespace where no target of the service answers or none is left, 0 where one does; None without targets."""
    if endpoints.pageless(subject.resolved):
        return None
    seen = answering(subject)
    # Of what is absent nobody can tell the namespace but its matchers.
    always = subject.resolved.service.workload.replicas.min > 0
    gone = [Call("absent", (one,)) for one in subject.each_site(seen)] if always else []
    return any_of(Binary("==", aggregate("max", seen, "namespace"), Number(0), boolean=True), *gone)


def _probed(subject: Subject) -> Expr | None:
    for one in subject.readings("probeSuccess"):
        if one.measure.gauge is not None:
            return Binary("==", aggregate("min", subject.read(one, one.measure.gauge), "namespace"), Number(0), boolean=True)
    seen = probed(subject)
    if seen is None:
        return None
    # Several probers may ask the same: one answer will do.
    return Binary("==", aggregate("min", aggregate("max", seen, "namespace", "probe"), "namespace"), Number(0), boolean=True)


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
