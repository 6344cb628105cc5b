"""Errors: what share of requests fails by the service's own fault."""

from __future__ import annotations

from dataclasses import replace

from obsc.ir import AlertRule, Chart, Origin, Panel, Query, Recorded, RecordingRule, Unit
from obsc.promises import promised
from obsc.promql import Binary, Expr, Number, aggregate, any_of, over
from obsc.promql import ratio as share_of
from obsc.signals.alert import CRITICAL, QUIET, WARNING, WHO, Contribution, Story, alert, busy, lines, of_model, record, share
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

HIGH = Default("HighErrorRate", CRITICAL, hold=300, threshold=0.05, kind="ratio")
ELEVATED = Default("ElevatedErrorRate", WARNING, hold=900, threshold=0.01, kind="ratio")
REQUESTS, ERRORS = Recorded.REQUESTS.value, Recorded.ERRORS.value
_LEAST_FAST, _LEAST_SLOW = 50, 20
_SLOW_WINDOW = 1800.0

_CHECKS = (
    "Split the errors by reason, by pod and by model version: one of them or all?",
    "Look at traces with errors and at the log of the failing pods.",
    "Look at the rollouts of the last hour; roll back if one fits.",
    "Look at memory, accelerators and upstream services.",
)


def errors(subject: Subject) -> Contribution:
    """Requests and failed requests are recorded apart and divided at use, so that no quiet minute makes a NaN."""
    found = subject.readings("availability")
    if not found:
        reason = "no metric of the runtime tells failed requests"
        return Contribution(omitted=((HIGH.name, reason), (ELEVATED.name, reason)))
    watched = promised(subject.resolved, "availability")
    # What is promised is watched by how fast its budget is spent.
    high, elevated = (replace(one, enabled=not watched) for one in (HIGH, ELEVATED))
    settings = (subject.settings(high), subject.settings(elevated))
    alerts = (_high(subject, settings[0], found[0]), _elevated(subject, settings[1], found[0]))
    reason = "off by default: an objective watches failed requests"
    left = tuple((one.name, reason) for one, made in zip((HIGH, ELEVATED), alerts, strict=True) if watched and made is None)
    return Contribution(recordings=_recordings(subject, found), alerts=tuple(a for a in alerts if a is not None), omitted=left,
                        panels=(("status", _number(subject, found[0], settings)), ("errors", _lines(subject, found, settings))))


def _all(subject: Subject, reading: Reading) -> Expr:
    return subject.rates(reading, reading.measure.total)


def _failed(subject: Subject, reading: Reading) -> Expr:
    none_yet = Binary("*", Number(0), _all(subject, reading))
    return Binary("or", subject.rates(reading, reading.measure.errors), none_yet)


def _recordings(subject: Subject, found: tuple[Reading, ...]) -> tuple[RecordingRule, ...]:
    return (record(subject, REQUESTS, any_of(*(_all(subject, one) for one in found))),
            record(subject, ERRORS, any_of(*(_failed(subject, one) for one in found))))


def _ratio(subject: Subject, by: tuple[str, ...], window: float = 0) -> Expr:
    failed, every = (_recorded(subject, name, by, "sum_over_time", window) for name in (ERRORS, REQUESTS))
    return Binary("/", failed, Binary(">", every, Number(0)))


def _recorded(subject: Subject, name: str, by: tuple[str, ...], function: str, window: float) -> Expr:
    """A recorded rate, over a window in seconds if there is one. Where a label of the service changed, for a while it
    is there under both values: two alerts of the same labels would be refused.
    """
    series = subject.recorded(name)
    return aggregate("sum", over(function, series, window) if window else series, *by)


def _story(subject: Subject, reading: Reading) -> Story:
    source = reading.measure.source
    return Story("errors", "errors", "error-ratio", (*WHO, " fails too many requests", *of_model(subject, reading)),
                 (share(), " of the requests fail by the service's own fault, as ", source, " counts them."),
                 "Users get errors instead of answers.", _CHECKS)


def _high(subject: Subject, settings: Settings | None, reading: Reading) -> AlertRule | None:
    if settings is None:
        return None
    by = subject.by(reading)
    expr = Binary(">", _ratio(subject, by), Number(settings.threshold))
    enough = Binary("*", _recorded(subject, REQUESTS, by, "", 0), Number(subject.window))
    return alert(subject, settings, _story(subject, reading), busy(enough, _LEAST_FAST, by, expr))


def _elevated(subject: Subject, settings: Settings | None, reading: Reading) -> AlertRule | None:
    if settings is None:
        return None
    by = subject.by(reading)
    expr = Binary(">", _ratio(subject, by, _SLOW_WINDOW), Number(settings.threshold))
    # A wider window lets a quiet service be judged too: what is rare in five minutes adds up in thirty.
    enough = Binary("*", _recorded(subject, REQUESTS, by, "avg_over_time", _SLOW_WINDOW), Number(_SLOW_WINDOW))
    return alert(subject, settings, _story(subject, reading), busy(enough, _LEAST_SLOW, by, expr))


def _number(subject: Subject, reading: Reading, settings: tuple[Settings | None, ...]) -> Panel:
    ratio = _ratio(subject.viewed, subject.by(reading))
    return Panel(
        "error-share", "Errors", Chart.NUMBER, Unit.RATIO, (Query(ratio, ("errors", *of_model(subject, reading))),),
        "Share of requests that fail by the service's own fault. Empty without traffic.",
        Origin("errors"), lines(*settings), minimum=0, width=4, empty=QUIET)


def _lines(subject: Subject, found: tuple[Reading, ...], settings: tuple[Settings | None, ...]) -> Panel:
    seen = subject.viewed
    parts = any_of(*(share_of(seen.rates(one, one.measure.errors), _all(seen, one)) for one in found))
    return Panel(
        "error-ratio", "Error Rate", Chart.LINES, Unit.RATIO, (Query(parts, ("errors", *of_model(subject, found[0]))),),
        "Failed requests over all requests, as " + found[0].measure.source + " counts them. HighErrorRate and "
        "ElevatedErrorRate fire above their lines.", Origin("errors"), lines(*settings), minimum=0, width=12, empty=QUIET)
