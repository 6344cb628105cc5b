"""How soon a promise's alert has to come: proved from scrapes, evaluations, ranges, `for` and the group's wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from obsc import durations
from obsc.detection import Clock, Promise, parts, promise
from obsc.diagnostics import Sink, render
from obsc.ir import AlertRule, Service
from obsc.resolve import Resolved
from obsc.source import Path

# Shorter ones that a platform can bear; to wait less costs nothing but a second message, a scrape costs samples.
_WAITS, _SCRAPES, _EVALUATIONS = (10.0, 5.0), (15.0, 10.0, 5.0), (15.0, 10.0, 5.0)

_Made = tuple[AlertRule, Service, Clock]  # what a promise is made of


class _Change(NamedTuple):
    """A change in words, and what it makes of what a promise is made of."""

    words: str
    of: Callable[[AlertRule, Service, Clock], _Made]


def detected_within(resolved: Resolved, service: Service, sink: Sink) -> None:
    """The first alert on a promise comes within its `detectWithin` after a total fault; what would be soon enough is said."""
    said = {one.name: (number, one) for number, one in enumerate(resolved.service.objectives or ())}
    clock = clock_of(resolved)
    for name in (one.name for one in service.objectives if one.name in said):
        number, wanted = said[name]
        if wanted.detect_within is None:
            continue
        path: Path = ("objectives", number, "detectWithin")
        place = resolved.origins.place(path)
        rules = [rule for rule in service.alerts if ("slo", name) in rule.labels and rule.name.startswith("SLOBurn")]
        if not rules:
            sink.error("S378", f"no alert tells that `{name}` is broken", place, path=render(path),
                       hint="switch SLOBurnFast on, or leave `detectWithin` out")
            continue
        rule = min(rules, key=lambda one: promise(one, service, clock).total)
        found = promise(rule, service, clock)
        if found.total > wanted.detect_within + 1e-6:
            sink.error("S378", f"{rule.name} tells of a total fault within {parts(found)}, which is more than "
                       f"{durations.show(wanted.detect_within)}", place, path=render(path),
                       hint=_hint((rule, service, clock), found, wanted.detect_within))


def clock_of(resolved: Resolved) -> Clock:
    """The intervals of a service's platform."""
    said = resolved.platform
    return Clock(said.prometheus.scrape_interval, said.prometheus.evaluation_interval, said.alertmanager.group_wait)


def _hint(made: _Made, found: Promise, wanted: float) -> str:
    """The change that costs least and is enough, or what is enough together, or that nothing is."""
    kinds = [list(kind) for kind in _changes(*made)]
    for change in (one for kind in kinds for one in kind):
        soon = promise(*change.of(*made))
        if soon.total <= wanted + 1e-6:
            return f"{change.words} gives {_whole(soon.total)}"
    limit, several = f"write `detectWithin: {_whole(found.total)}`", list[str]()
    for change in (kind[-1] for kind in kinds if kind):
        made = change.of(*made)
        several.append(change.words)
        soon = promise(*made)
        if soon.total <= wanted + 1e-6:
            return f"{limit}, or together {', '.join(several)}, which gives {_whole(soon.total)}"
    if found.window >= wanted:
        return f"{limit}, or promise more: a smaller budget is spent sooner than in {_whole(found.window)}"
    return f"{limit}; with every interval at its shortest it is {_whole(promise(*made).total)}"


def _changes(rule: AlertRule, service: Service, clock: Clock) -> Iterator[Iterator[_Change]]:
    """Changes by what they change, what costs least first."""
    yield (_Change(f"`alertmanager.groupWait: {durations.show(wait)}` of the platform", partial(_with_wait, wait))
           for wait in _WAITS if wait < clock.wait)
    least = 2 * clock.evaluation
    yield (_Change(f"`alerts.rules.{rule.name}.for: {durations.show(hold)}`", partial(_with_hold, hold))
           for hold in (least,) if hold < rule.hold)
    own = any(one.interval > clock.scrape for one in service.jobs)
    yield (_Change(f"`metrics.endpoints[].interval: {durations.show(every)}`" if own else
                   f"`prometheus.scrapeInterval: {durations.show(every)}` of the platform", partial(_with_scrape, every))
           for every in _SCRAPES if every < clock.scrape or _scraped(service, every) != service)
    yield (_Change(f"`prometheus.evaluationInterval: {durations.show(every)}` of the platform", partial(_with_evaluation, every))
           for every in _EVALUATIONS if every < clock.evaluation)


def _with_wait(wait: float, rule: AlertRule, service: Service, clock: Clock) -> _Made:
    return rule, service, replace(clock, wait=wait)


def _with_hold(hold: float, rule: AlertRule, service: Service, clock: Clock) -> _Made:
    return replace(rule, hold=hold), service, clock


def _with_scrape(every: float, rule: AlertRule, service: Service, clock: Clock) -> _Made:
    return rule, _scraped(service, every), replace(clock, scrape=min(every, clock.scrape))


def _with_evaluation(every: float, rule: AlertRule, service: Service, clock: Clock) -> _Made:
    return rule, service, replace(clock, evaluation=every)


def _scraped(service: Service, every: float) -> Service:
    """The service with jobs that are scraped at least so often."""
    return replace(service, jobs=tuple(replace(one, interval=min(one.interval, every)) for one in service.jobs))


def _whole(seconds: float) -> str:
    return durations.show(float(-(-seconds // 1)))
