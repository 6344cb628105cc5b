"""Traffic: requests, tokens and predictions."""

from __future__ import annotations

from obsc.ir import Chart, Origin, Panel, Query, Text, Unit
from obsc.promql import Expr, aggregate, any_of, rate
from obsc.signals.alert import QUIET, Contribution, of_model
from obsc.signals.reading import Reading
from obsc.signals.subject import Subject

_RATES = (
    ("traffic", "requests", "Requests", Unit.REQUESTS_PER_SECOND, "Requests that the service took in."),
    ("predictions", "predictions", "Predictions", Unit.EVENTS_PER_SECOND, "Predictions that the models made."),
)
_TOKENS = (("inputTokens", "input"), ("outputTokens", "output"))


def traffic(subject: Subject) -> Contribution:
    """Panels of demand. Alerts on demand need a baseline, without which any number would be a guess."""
    panels = [_rate(subject, *row) for row in _RATES if subject.readings(row[0])]
    tokens = _queries(subject, _TOKENS)
    if tokens:
        panels.append(("business", Panel(
            "tokens", "Token Throughput", Chart.LINES, Unit.TOKENS_PER_SECOND, tokens,
            "Tokens read and written per second. A fall while requests wait is a loss of performance, not of demand.",
            Origin("traffic"), minimum=0, empty=QUIET)))
    return Contribution(panels=tuple(panels))


def _rate(subject: Subject, signal: str, key: str, title: str, unit: Unit, text: str) -> tuple[str, Panel]:
    found = subject.readings(signal)
    exprs = [_value(subject.viewed, one) for one in found]
    return ("business", Panel(key, title, Chart.LINES, unit, (Query(any_of(*exprs), (key, *of_model(subject, found[0]))),), text,
                              Origin("traffic"), minimum=0, empty=QUIET))


def _queries(subject: Subject, wanted: tuple[tuple[str, str], ...]) -> tuple[Query, ...]:
    queries = []
    for signal, name in wanted:
        found = subject.readings(signal)
        exprs = [_value(subject.viewed, one) for one in found]
        if exprs:
            legend: Text = (name, *of_model(subject, found[0]))
            queries.append(Query(any_of(*exprs), legend))
    return tuple(queries)


def _value(subject: Subject, reading: Reading) -> Expr:
    measure = reading.measure
    if measure.gauge is not None:
        return aggregate("sum", subject.once(reading, measure.gauge, subject.read(reading, measure.gauge)), *subject.by(reading))
    if measure.histogram is not None:
        # What is observed is counted too: one observation for each event.
        counts = rate(subject.read(reading, measure.histogram, "_count"), subject.span)
        return aggregate("sum", subject.once(reading, measure.histogram, counts), *subject.by(reading))
    if measure.mean_count is not None:
        return subject.rates(reading, (measure.mean_count,))
    return subject.rates(reading, measure.counters or measure.total)
