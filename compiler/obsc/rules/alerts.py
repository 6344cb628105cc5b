"""Changes to alerts: names that exist, numbers of the right kind, thresholds that can be met."""

from __future__ import annotations

from obsc import advice, buckets, durations
from obsc.diagnostics import Sink, render
from obsc.ir import Service
from obsc.promises import promised
from obsc.resolve import Resolved
from obsc.rules.bounds import beyond_last, near, snapped
from obsc.signals.availability import DOWN, FEWER, NOT_READY
from obsc.signals.blind import BLIND
from obsc.signals.cache import PREEMPTIONS, THRASHING
from obsc.signals.engine import CORRUPTED, SLEEPING, STALLED
from obsc.signals.errors import ELEVATED, HIGH
from obsc.signals.gpu import BUSY, HOT, OVERHEATING
from obsc.signals.gpu_faults import APPLICATION, HARDWARE, LINKS, LOST, REMAP, UNCORRECTABLE, UNHEALTHY
from obsc.signals.gpu_load import IDLE, STUCK
from obsc.signals.gpu_load import THROTTLED as HELD_BACK
from obsc.signals.kubernetes import CRASHING, KILLED, MEMORY, RESTARTING, THROTTLED
from obsc.signals.latency import FIRST, QUEUED, SLOW
from obsc.signals.objectives import EXHAUSTED, GONE
from obsc.signals.objectives import FAST as BURN_FAST
from obsc.signals.objectives import SLOW as BURN_SLOW
from obsc.signals.own import OUT_OF_BOUNDS
from obsc.signals.pipeline import SAMPLES, TARGET
from obsc.signals.pipeline import SLOW as SLOW_SCRAPE
from obsc.signals.probes import FAILING
from obsc.signals.reading import Reading
from obsc.signals.rollout import FAILING as SCALER_FAILING
from obsc.signals.rollout import FULL, MAXED, PENDING, WAITS
from obsc.signals.rollout import STUCK as ROLLOUT_STUCK
from obsc.signals.settings import Default
from obsc.signals.subject import Subject
from obsc.signals.waiting import BUILDUP, GIVE_UP, NOT_DRAINING, SHED

ALERTS: dict[str, Default] = {one.name: one for one in (
    DOWN, NOT_READY, FEWER, HIGH, ELEVATED, SLOW, FIRST, BUSY, HOT, OVERHEATING, MEMORY, THROTTLED, KILLED, CRASHING,
    RESTARTING, TARGET, SAMPLES, BLIND, OUT_OF_BOUNDS, STALLED, SLEEPING, CORRUPTED, BUILDUP, NOT_DRAINING, QUEUED, SHED, GIVE_UP,
    THRASHING, PREEMPTIONS, HARDWARE, APPLICATION, LOST, UNHEALTHY, REMAP, UNCORRECTABLE, LINKS, HELD_BACK, STUCK, IDLE,
    PENDING, WAITS, ROLLOUT_STUCK, MAXED, SCALER_FAILING, FULL, SLOW_SCRAPE,
    FAILING, BURN_FAST, BURN_SLOW, EXHAUSTED, GONE)}
_SIGNALS = {SLOW.name: "requestDuration", FIRST.name: "timeToFirstToken", QUEUED.name: "queueDuration"}
_WITHOUT_THRESHOLD = frozenset(one.name for one in ALERTS.values() if one.threshold == 0 and one.kind == "number")


def known_alerts(resolved: Resolved, service: Service, sink: Sink) -> None:
    """`alerts.rules` names alerts that exist and that this runtime's metrics allow; in profiles what those forbid is ignored."""
    made = {rule.name for rule in service.alerts}
    for name, rule in resolved.service.alerts.rules.items():
        path = ("alerts", "rules", name)
        place = resolved.origins.place(path, key=True)
        from_profile = resolved.origins.layer(path).startswith(("profile", "platform"))
        if name not in ALERTS:
            sink.error("S301", f"there is no alert `{name}`", place, path=f"alerts.rules.{name}",
                       hint=advice.nearest(name, ALERTS, f"known are {', '.join(sorted(ALERTS))}"))
        elif name not in made and rule.enabled is not False and not from_profile and resolved.sound("runtime") and resolved.sound(*path):
            sink.error("S308", f"the alert `{name}` cannot be made: {reason_left_out(name, service)}", place, path=f"alerts.rules.{name}",
                       hint="leave it out, or supply what is missing")


def reason_left_out(name: str, service: Service) -> str:
    """Why a service has not got one of the known alerts: as its family says, or what a spec without it lacks."""
    return dict(service.omitted).get(name, ALERTS[name].needs)


def alert_numbers(resolved: Resolved, _: Service, sink: Sink) -> None:
    """A threshold has its alert's kind of number, lies where the metric can tell, and lasts long enough to be seen."""
    subject = Subject(resolved)
    evaluation = resolved.platform.prometheus.evaluation_interval
    for name, rule in resolved.service.alerts.rules.items():
        default = ALERTS.get(name)
        if default is None or rule.enabled is False:
            continue
        path = ("alerts", "rules", name)
        if rule.threshold is not None:
            _kind(resolved, default, sink)
        if rule.quantile is not None and name not in _SIGNALS:
            sink.error("S310", f"`{name}` compares no quantile", resolved.origins.place((*path, "quantile")),
                       path=f"alerts.rules.{name}.quantile", hint="leave it out")
        if rule.for_ is not None and 0 < rule.for_ < 2 * evaluation:
            sink.warning("S312", f"`for: {durations.show(rule.for_)}` is less than two evaluations of "
                         f"{durations.show(evaluation)}: one lost scrape decides", resolved.origins.place((*path, "for")),
                         path=f"alerts.rules.{name}.for", hint=f"write at least {durations.show(2 * evaluation)}")
        found = subject.readings(_SIGNALS[name]) if name in _SIGNALS else ()
        if found and (rule.threshold is None or rule.threshold.kind == "duration"):
            _buckets(resolved, name, found[0], sink)
    for name, signal in _SIGNALS.items():
        if name not in resolved.service.alerts.rules and ALERTS[name].enabled and (found := subject.readings(signal)):
            _buckets(resolved, name, found[0], sink)


def _kind(resolved: Resolved, default: Default, sink: Sink) -> None:
    said = resolved.service.alerts.rules[default.name].threshold
    assert said is not None
    place = resolved.origins.place(("alerts", "rules", default.name, "threshold"))
    path = f"alerts.rules.{default.name}.threshold"
    if default.name in _WITHOUT_THRESHOLD and default.name not in _SIGNALS:
        sink.error("S310", f"`{default.name}` has no threshold", place, path=path, hint="leave it out")
        return
    bare_ratio = default.kind == "ratio" and said.kind == "number" and 0 < said.value < 1
    if said.kind == default.kind or bare_ratio:
        return
    kinds = {"duration": "a duration", "ratio": "a percentage", "number": "a bare number"}
    usual = {"duration": durations.spoken(default.threshold or 5), "ratio": advice.both_forms(default.threshold or 0.9),
             "number": durations.number(default.threshold)}
    usual = {kind: text if kind == "ratio" else f"`threshold: {text}`" for kind, text in usual.items()}
    sink.error("S313", f"found {kinds[said.kind]} as the threshold of `{default.name}`, expected {kinds[default.kind]}", place,
               path=path, hint=f"write for example {usual[default.kind]}")


def _buckets(resolved: Resolved, name: str, reading: Reading, sink: Sink) -> None:
    """The threshold against the bucket bounds: a quantile must stay below the last, a share moves to the nearest."""
    rule = resolved.service.alerts.rules.get(name)
    histogram = reading.measure.histogram
    wish = rule.threshold.value if rule is not None and rule.threshold is not None else ALERTS[name].threshold
    if histogram is None or not wish:
        _no_quantile(resolved, name, sink)
        return
    bounds, scale = reading.metric(histogram).buckets, reading.scale(histogram)
    place = resolved.origins.place(("alerts", "rules", name, "threshold"))
    path = f"alerts.rules.{name}.threshold"
    if not bounds:
        sink.error("S315", f"the bucket bounds of `{histogram.metric}` are not known", place, path=path,
                   hint="write them: `buckets` of the series, or `runtime.buckets`")
    elif rule is not None and rule.quantile is not None:
        beyond_last(resolved, ("alerts", "rules", name, "threshold"), wish, reading, sink)
    else:
        _snap(resolved, name, wish * scale, bounds, scale, sink)


def _no_quantile(resolved: Resolved, name: str, sink: Sink) -> None:
    rule = resolved.service.alerts.rules.get(name)
    if rule is not None and rule.quantile is not None:
        sink.error("S310", f"the runtime has no histogram for `{name}`, only a mean",
                   resolved.origins.place(("alerts", "rules", name, "quantile")), path=f"alerts.rules.{name}.quantile",
                   hint="leave the quantile out")


def _snap(resolved: Resolved, name: str, wish: float, bounds: tuple[float, ...], scale: float, sink: Sink) -> None:
    rule, path = resolved.service.alerts.rules.get(name), ("alerts", "rules", name, "threshold")
    nearest = buckets.snap(wish, bounds)
    if rule is not None and rule.threshold is not None:
        snapped(resolved, path, wish, bounds, scale, sink)
    elif nearest != wish and not promised(resolved, _SIGNALS[name]):
        text = f"{durations.spoken(wish / scale)} is no bucket bound of the metric; near it are {near(wish, bounds, scale)}"
        used = durations.spoken(nearest / scale)
        sink.info("S317", f"the usual threshold of {name}, {text}; {used} is used", resolved.origins.place(("runtime", "name")),
                  path=render(path), hint=f"write the threshold that you promise, such as {used}")
