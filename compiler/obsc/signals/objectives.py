"""Objectives: what of the service's promises is kept, and alerts when their budgets are spent too fast."""

from __future__ import annotations

from dataclasses import replace

from obsc import durations, slo
from obsc.buckets import snap
from obsc.encode import re2_literal
from obsc.ir import AlertRule, Chart, Field, Labels, Objective, Panel, Query, Severity, Text, Threshold, Unit
from obsc.promises import promises, signal_of
from obsc.promql import Binary, Expr, Number, aggregate, any_of, increase, regex, select
from obsc.signals.alert import CRITICAL, INFO, QUIET, WARNING, WHO, Contribution, Story, alert, recorded_labels, share
from obsc.signals.settings import Default
from obsc.signals.sli import CHECKS, counts_requests, limit_of, objective, readings
from obsc.signals.subject import Subject, bound
from obsc.spec.objectives import Objective as Said

FAST = Default("SLOBurnFast", CRITICAL, hold=120)
SLOW = Default("SLOBurnSlow", WARNING, hold=900)
GONE = Default("SLOMetricAbsent", WARNING, hold=900)
EXHAUSTED = Default("SLOErrorBudgetExhausted", INFO, hold=600)
_HOUR = 3600.0


def objectives(subject: Subject) -> Contribution:
    """For each promise: its recorded series, an alert for a budget that burns fast and one for slowly, and panels."""
    found = [one for said in promises(subject.resolved) if (one := objective(subject, said)) is not None]
    recordings = tuple(rule for one in found for rule in slo.recordings(one, _recorded_labels(subject), subject.place()))
    alerts = tuple(rule for one in found for rule in _alerts(subject, one))
    blind = [_unbucketed(subject, said) for said in promises(subject.resolved)]
    alerts += tuple(rule for rule in (*blind, _exhausted(subject, found)) if rule is not None)
    panels = tuple(("objectives", panel) for one in found for panel in _panels(subject, one))
    return Contribution(recordings, alerts, panels, _unseen(subject), objectives=tuple(found))


def _recorded_labels(subject: Subject) -> Labels:
    """There are many series for each promise: they have the labels by which they are found, and no more."""
    return tuple(one for one in recorded_labels(subject) if one[0] in {"namespace", "service", "component", "team"})


def _unseen(subject: Subject) -> tuple[tuple[str, str], ...]:
    """Of the usual promises those that no component can show; what the spec itself promises is an error then."""
    if subject.resolved.service.objectives is not None or not subject.resolved.first:
        return ()
    every = [Subject(part) for part in subject.resolved.parts]
    return tuple((FAST.name, f"nothing measures {signal_of(said)}, so that {said.name} is not promised")
                 for said in promises(subject.resolved) if not any(one.readings(signal_of(said)) for one in every))


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
                  f" are bad; the budget bears {durations.number((1 - one.target) * 100)}%.")
    story = _story(one, "burn-" + one.name, (f" spends its budget of {one.name} {speed}",), text)
    return alert(subject, settings, story, expr, *_labels(one))


def _both(subject: Subject, one: Objective, pair: slo.Pair) -> Expr:
    """The long window says that it matters, the short one that it still goes on; and few events are no statistic."""
    place, by = subject.place(), one.sli.by
    short, long = (Binary(">", slo.ratio(one, place, span), Number(float(pair.limit))) for span in (pair.short, pair.long))
    both = short if pair.short == pair.long else Binary("and", short, long, on=by)
    if one.sli.judged is not None:
        return both
    seen = slo.bad_events(one, place, pair.long, subject.resolved.platform.prometheus.evaluation_interval)
    return Binary("and", both, Binary(">=", seen, Number(slo.LEAST_EVENTS)), on=by)


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
                  "The promise is broken for the rest of its period.", CHECKS)
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
