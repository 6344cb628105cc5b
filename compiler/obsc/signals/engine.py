"""The engine: does it compute while requests are in it, is it awake, are its answers numbers?"""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Text, Unit
from obsc.promql import Binary, Expr, Number, aggregate, any_of, increase
from obsc.signals.alert import CRITICAL, INFO, WARNING, WHO, Contribution, Story, alert, figure
from obsc.signals.figures import SITE, flow, gauges, level, replica
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject, total

STALLED = Default("EngineStalled", CRITICAL, hold=180)
SLEEPING = Default("Sleeping", INFO, hold=600, enabled=False)
CORRUPTED = Default("CorruptedRequests", WARNING, hold=0)
_CORRUPTED_WINDOW = 600.0

_STALLED_CHECKS = (
    "See in the panel which replica makes no steps, and send it one request for one token: does it answer?",
    "Look at its accelerators: an XID error, or full use without power, is a hang of the device or of the links between them.",
    "Read the last line of its log: dead engine, timeout between devices, a grammar that never ends.",
    "Delete that pod, and not the deployment; keep its log first.",
)
_SLEEPING_CHECKS = ("Was it put to sleep on purpose?", "Wake it up if requests are to come.")
_CORRUPTED_CHECKS = ("Look at the accelerators' memory errors.", "Was the model, its precision or the runtime changed?",
                     "Take the replica out of service: its other answers may be wrong too.")


def engine(subject: Subject) -> Contribution:
    """EngineStalled, which no error and no latency shows: both are counted when a request ends, and none does."""
    steps = tuple(one for one in subject.readings("engineSteps") if not one.exporter)
    awake, corrupted = gauges(subject, "engineAwake"), subject.readings("corruptedRequests")
    inside = [found for signal in ("requestsRunning", "requestsWaiting")
              if (found := tuple(one for one in gauges(subject, signal) if steps and one.job == steps[0].job))]
    alerts, omitted = taken(subject, (
        Offer(STALLED, lambda said: _stalled(subject, said, steps, inside),
              "" if steps and inside else "no metric of the runtime counts the steps of its engine, or the requests in it"),
        Offer(SLEEPING, lambda said: _sleeping(subject, said, awake), "" if awake else "the runtime's engine does not sleep"),
        Offer(CORRUPTED, lambda said: _corrupted(subject, said, corrupted), "" if corrupted else "no metric of the runtime counts them")))
    panels = [*_steps(subject, steps), *_awake(subject, awake), *_corrupted_panel(subject, corrupted)]
    return Contribution(alerts=alerts, panels=tuple(("saturation", panel) for panel in panels), omitted=omitted)


def _who(subject: Subject) -> Text:
    *_, label = replica(subject)
    return (label.capitalize(), " ", Field(label=label))


def _stalled(subject: Subject, settings: Settings, steps: tuple[Reading, ...], inside: list[tuple[Reading, ...]]) -> AlertRule:
    by = replica(subject)
    # The fewest of the window: requests were there all the time, and not one step was made.
    lazy = any(one.metric(term).lazy for found in inside for one in found for term in one.terms) and len(inside) > 1
    held = total([level(subject, found, *by, function="min_over_time", window=subject.window) for found in inside], lazy=lazy)
    still = Binary("==", flow(subject, steps, *by), Number(0))
    stalled = aggregate("count", Binary("and", Binary(">", held, Number(0)), still, on=by), *SITE)
    return alert(subject, settings, Story(
        "engine", "availability", "engine-steps", (*WHO, " has requests and computes nothing"),
        (figure(), " replicas hold requests, and their engines have made no step for minutes."),
        "Its requests hang until clients give up; no error and no latency shows it.", _STALLED_CHECKS),
        Binary(">", stalled, Number(0)))


def _sleeping(subject: Subject, settings: Settings, awake: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "engine", "availability", "engine-awake", (*WHO, " sleeps"), ("No engine of the service is awake.",),
        "The first requests wait until it wakes up.", _SLEEPING_CHECKS),
        Binary("==", level(subject, awake, *SITE, op="max"), Number(0)))


def _spoiled(subject: Subject, found: tuple[Reading, ...], by: tuple[str, ...]) -> Expr:
    span = max(_CORRUPTED_WINDOW, subject.window)
    return any_of(*(aggregate("sum", increase(subject.read(one, term), span), *by) for one in found for term in one.measure.counters))


def _corrupted(subject: Subject, settings: Settings, found: tuple[Reading, ...]) -> AlertRule:
    return alert(subject, settings, Story(
        "engine", "errors", "corrupted", (*WHO, " computes answers that are no numbers"),
        (*_who(subject), " spoiled ", figure(), " requests."), "Answers are garbage, and counted as good ones.", _CORRUPTED_CHECKS),
        Binary(">", _spoiled(subject, found, replica(subject)), Number(0)))


def _steps(subject: Subject, steps: tuple[Reading, ...]) -> list[Panel]:
    if not steps:
        return []
    seen, by = subject.viewed, replica(subject)
    return [Panel(
        "engine-steps", "Steps of the Engine", Chart.LINES, Unit.EVENTS_PER_SECOND,
        (Query(flow(seen, steps, *by), (Field(label=by[-1]),)),),
        "What each replica computes. Zero while requests run is a stalled engine; EngineStalled watches it.", Origin("engine"), minimum=0)]


def _awake(subject: Subject, awake: tuple[Reading, ...]) -> list[Panel]:
    if not awake or subject.settings(SLEEPING) is None:
        return []
    seen, by = subject.viewed, replica(subject)
    return [Panel("engine-awake", "Engine Awake", Chart.STATES, Unit.BOOL,
                  (Query(level(seen, awake, *by, op="max"), (Field(label=by[-1]),)),),
                  "Whether the engine of each replica is awake.", Origin("engine"))]


def _corrupted_panel(subject: Subject, found: tuple[Reading, ...]) -> list[Panel]:
    if not found:
        return []
    by = replica(subject)
    return [Panel("corrupted", "Corrupted Requests", Chart.LINES, Unit.COUNT,
                  (Query(_spoiled(subject.viewed, found, by), (Field(label=by[-1]),)),),
                  "Requests of the last minutes whose answers were no numbers. CorruptedRequests fires at the first.", Origin("engine"),
                  minimum=0)]
