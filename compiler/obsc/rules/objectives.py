"""Promises: that they can be measured, that their alerts can fire, and that a single request does not raise one."""

from __future__ import annotations

from typing import NamedTuple

from obsc import advice, durations, slo
from obsc.diagnostics import Sink, render
from obsc.ir import Objective, Service
from obsc.promises import IMPLIED, signal_of
from obsc.promql import read_matcher
from obsc.resolve import Resolved
from obsc.rules.bounds import beyond_last, snapped
from obsc.signals.reading import Reading
from obsc.signals.roles import subjects
from obsc.signals.sli import FALLING, LATENCIES, PRESENCE, counts_requests, objective, readings
from obsc.signals.subject import Subject
from obsc.source import Path
from obsc.spec.objectives import Objective as Said

_DAY = 86400.0
_SIGNALS = ("availability", *sorted(LATENCIES), "requestsWaiting", "requestsRunning", "kvCacheUsage", "gpuUtilization", "cpuUsage",
            "memoryUsage", "preemptions", "batchSize", *sorted(FALLING), *sorted(PRESENCE))
_KINDS = {"duration": "a duration", "ratio": "a percentage", "number": "a number"}


def objectives(resolved: Resolved, service: Service, sink: Sink) -> None:
    """Each promise has one source that this service shows, a threshold of its kind, and a budget that alerts can judge."""
    if not resolved.first or resolved.service.objectives is None:
        _feasible(resolved, service, sink)
        return
    every = subjects(resolved)
    for index, said in enumerate(resolved.service.objectives):
        judge = _Judge(resolved, said, index, sink)
        if said.enabled and resolved.sound(*judge.path()) and _names(judge) and _source(judge, every):
            _period(judge)
    _feasible(resolved, service, sink)


class _Judge(NamedTuple):
    """A promise and where what is wrong with it is reported."""

    resolved: Resolved
    said: Said
    number: int
    sink: Sink

    def error(self, key: str, code: str, message: str, hint: str) -> bool:
        """Report at a key of the promise, or at the promise where it has none. False, for whoever returns it."""
        self.sink.error(code, message, self.resolved.origins.place(self.path(key)), path=render(self.path(key)), hint=hint)
        return False

    def path(self, *keys: str | int) -> Path:
        """The path of a key of the promise; of the promise itself for no key."""
        return ("objectives", self.number, *(key for key in keys if key != ""))


def _names(judge: _Judge) -> bool:
    """What a promise names is there."""
    parts = [part.component for part in judge.resolved.parts if part.component]
    if judge.said.component is not None and judge.said.component not in parts:
        return judge.error("component", "S376", f"the service has no component `{judge.said.component}`",
                           advice.nearest(judge.said.component, parts, f"it has {', '.join(parts) or 'only one, without a name'}"))
    known = [one.name for one in judge.resolved.service.indicators if one.enabled]
    if judge.said.indicator is not None and judge.said.indicator not in known:
        return judge.error("indicator", "S376", f"the service has no indicator `{judge.said.indicator}`",
                           advice.nearest(judge.said.indicator, known, "add it to `indicators`"))
    return True


def _source(judge: _Judge, every: tuple[Subject, ...]) -> bool:
    given = [key for key in ("signal", "metric", "sli", "indicator") if getattr(judge.said, key) is not None]
    if len(given) > 1:
        return judge.error(given[1], "S370", f"the promise has two sources, `{given[0]}` and `{given[1]}`",
                      "keep one of them")
    if not given and judge.said.name not in IMPLIED:
        return judge.error("", "S370", f"nothing says what `{judge.said.name}` is about",
                      f"give its `signal`, `metric`, `sli` or `indicator`; {', '.join(f'`{one}`' for one in IMPLIED)} need none")
    if judge.said.sli is not None or judge.said.indicator is not None:
        return _bare(judge, given[0])
    if signal_of(judge.said) in PRESENCE:
        return _present(judge, every)
    found = next((seen for one in every if (seen := readings(one, judge.said))), ())
    if not found:
        return _absent(judge, every)
    return _labels(judge, found) and _threshold(judge, found[0])


def _present(judge: _Judge, every: tuple[Subject, ...]) -> bool:
    if all(objective(one, judge.said) is None for one in every):
        signal = signal_of(judge.said)
        return judge.error("signal", "S371", f"nothing here shows `{signal}`",
                           "a runtime without a metrics page has no targets; promise its `probeSuccess`" if signal == "up" else
                           "write `probes`, on a platform with `sources: {blackbox: {enabled: true}}`")
    return _bare(judge, signal_of(judge.said))


def _bare(judge: _Judge, source: str) -> bool:
    for key in ("threshold", "statistic", "matchers"):
        if getattr(judge.said, key):
            return judge.error(key, "S372", f"a promise by `{source}` has no `{key}`", "leave it out")
    return True


def _absent(judge: _Judge, every: tuple[Subject, ...]) -> bool:
    if not judge.resolved.sound("runtime"):
        return False
    if judge.said.metric is not None:
        known = [name for one in every for name in one.known_metrics if (facts := one.facts(name)) and facts.type == "histogram"]
        return judge.error("metric", "S371", f"the service shows no histogram `{judge.said.metric}`",
                           advice.nearest(judge.said.metric, known, "declare it in `metrics.series`"))
    shown = [signal for signal in _SIGNALS if any(one.readings(signal) for one in every)]
    return judge.error("signal" if judge.said.signal else "", "S371", f"nothing here shows `{signal_of(judge.said)}`",
                  f"it shows {', '.join(shown) or 'no signal'}; or declare a series with that signal, or write an `sli`")


def _labels(judge: _Judge, found: tuple[Reading, ...]) -> bool:
    for index, matcher in enumerate(map(read_matcher, judge.said.matchers)):
        lacking = next((term.metric for one in found for term in one.terms if matcher.label not in one.metric(term).labels), None)
        if lacking is not None:
            judge.sink.error("S376", f"`{lacking}` has no label `{matcher.label}`",
                       judge.resolved.origins.place(judge.path("matchers", index)),
                       path=render(judge.path("matchers")), hint="match labels that every series of the promise has")
            return False
    return True


def _threshold(judge: _Judge, reading: Reading) -> bool:
    signal = signal_of(judge.said)
    if signal == "availability":
        return _bare(judge, "availability") if judge.said.threshold or judge.said.statistic else True
    latency = judge.said.metric is not None or signal in LATENCIES
    if judge.said.threshold is None:
        return judge.error("", "S372", f"`{judge.said.name}` says nowhere what is still good",
                      "give its `threshold`, such as " + ("`1s`" if latency else "`90%` or `10`"))
    if (judge.said.threshold.kind == "duration") is not latency:
        return judge.error("threshold", "S372", f"found {_KINDS[judge.said.threshold.kind]} as the threshold of `{judge.said.name}`",
                      "write a duration such as `1s`" if latency else "write a percentage or a number")
    return _statistic(judge, reading) and _bounds(judge, reading)


def _statistic(judge: _Judge, reading: Reading) -> bool:
    measure = reading.measure
    if measure.histogram is None and judge.said.statistic not in {None, "mean"}:
        return judge.error("statistic", "S373", f"`{judge.said.statistic}` needs a histogram, and {measure.source} has only a mean",
                      "write `statistic: mean`")
    if measure.histogram is None and measure.mean_sum is not None and judge.said.statistic is None:
        return judge.error("", "S373", f"{measure.source} has no histogram: no request can be judged by itself",
                      "write `statistic: mean`, which judges minutes")
    return True


def _bounds(judge: _Judge, reading: Reading) -> bool:
    histogram = reading.measure.histogram
    if histogram is None or judge.said.threshold is None:
        return True
    bounds, scale = reading.metric(histogram).buckets, reading.scale(histogram)
    path = judge.path("threshold")
    if not bounds:
        return judge.error("threshold", "S315", f"the bucket bounds of `{histogram.metric}` are not known",
                      "write them: `buckets` of the series, or `runtime.buckets`")
    if counts_requests(judge.said, reading):
        snapped(judge.resolved, path, judge.said.threshold.value * scale, bounds, scale, judge.sink)
    elif judge.said.statistic != "mean":
        beyond_last(judge.resolved, path, judge.said.threshold.value, reading, judge.sink)
    return True


def _period(judge: _Judge) -> None:
    """A period has whole days of samples in it, and no more of them than are kept."""
    written = judge.resolved.origins.layer(judge.path("window")) != "built-in"
    if judge.said.window < _DAY:
        judge.error("window", "S377", f"the period {durations.show(judge.said.window)} is shorter than a day",
               "promise something about a day or more, such as `28d`")
    kept, store = judge.resolved.platform.prometheus.retention, judge.resolved.platform.prometheus.remote_write
    if judge.said.window > kept and written and not store:
        judge.sink.warning("S377", f"samples are kept for {durations.show(kept)}: what is left of the budget is of that time, and not of "
                     f"{durations.show(judge.said.window)}", judge.resolved.origins.place(judge.path("window")),
                     path=render(judge.path("window")), hint="keep samples longer (`prometheus.retention`), or promise for less")


def _feasible(resolved: Resolved, service: Service, sink: Sink) -> None:
    """All events bad trip every pair of windows, and a single bad one trips none that pages."""
    names = [one.name for one in resolved.service.objectives or ()]
    for one in service.objectives:
        pairs = slo.pairs(one.target, one.window)
        where: Path = ("objectives", names.index(one.name), "target") if one.name in names else ("runtime", "name")
        place, path = resolved.origins.place(where), render(where)
        if any(pair.capped for pair in pairs):
            sink.info("S374", f"the budget of {one.name} is so large that no outage could spend it "
                      f"{_listed(pairs)} times as fast: {_listed(pairs, capped=True)} is used", place, path=path,
                      hint="nothing need be done: the alert fires when four fifths of all events are bad")
        _traffic(resolved, one, pairs, sink)


def _listed(pairs: tuple[slo.Pair, ...], *, capped: bool = False) -> str:
    if capped:
        return durations.number(float(next(pair.factor for pair in pairs if pair.capped)))
    return " or ".join(durations.number(float(usual)) for usual in ("14.4", "6", "3")[:sum(pair.capped for pair in pairs)])


def _traffic(resolved: Resolved, one: Objective, pairs: tuple[slo.Pair, ...], sink: Sink) -> None:
    if one.rate is None or one.sli.judged is not None:
        return
    place, path = resolved.origins.place(("traffic", "requestsPerSecond")), "traffic.requestsPerSecond"
    slowest = max(slo.needed(pair, one.rate) for pair in pairs if pair.pages)
    dropped = [pair for pair in pairs if slo.needed(pair, one.rate) < slo.LEAST_EVENTS]
    if slowest <= 1 and one.highest == "critical":
        sink.error("S375", f"at {durations.number(one.rate)} requests a second one bad request would page for `{one.name}`", place,
                   path=path,
                   hint="promise less, judge minutes (`statistic`), probe the service and promise that, or write `severity: warning`")
    elif dropped:
        windows = " and ".join(durations.show(pair.long) for pair in dropped)
        sink.info("S375", f"at {durations.number(one.rate)} requests a second less than {slo.LEAST_EVENTS} bad ones would trip the "
                  f"windows of {windows} for `{one.name}`: they are left out", place, path=path,
                  hint="nothing need be done; what burns faster is seen by the longer windows")
