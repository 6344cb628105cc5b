"""Two compilations → what the difference means to those who are paged, look, and operate.

Everything is compared on the IR, never on text: a rule whose spelling changed and whose meaning did not is no change.
Alerts are compared as conditions: numbers at the same place of two expressions of the same shape are thresholds,
ranges or shares; any other difference is a changed condition, which says no more than that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import zip_longest

from obsc import durations
from obsc.conventions import PLATFORM
from obsc.diagnostics import Sink
from obsc.ir import AlertRule, Identity, LogInput, ProbeJob, Route, ScrapeJob, Service, TracePolicy
from obsc.pipeline import Compiled
from obsc.promql import Aggregate, Binary, Call, Expr, Number, Quoted, Range, Raw, Selector, walk
from obsc.source import load, plain

_RISING, _FALLING = frozenset({">", ">="}), frozenset({"<", "<="})
_COMPARED = _RISING | _FALLING | {"==", "!="}
_BUCKET = "le"
_PODS = frozenset({"Deployment", "DaemonSet", "StatefulSet", "OpenTelemetryCollector"})


class Effect(StrEnum):
    """What a change does to whoever relies on it."""

    ADDED = "added"
    REMOVED = "removed"
    MORE = "more sensitive"
    LESS = "less sensitive"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of what kind (alert, route, panel …), about what, and from what to what ("" for nothing)."""

    identity: Identity
    kind: str
    name: str
    effect: Effect
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes in the order of services and kinds; series and bytes by environment, before and after."""

    changes: tuple[Change, ...]
    recorded: tuple[tuple[str, int, int], ...]
    size: tuple[tuple[str, int, int], ...]
    restarts: tuple[tuple[str, str], ...]


def plan(before: Compiled, after: Compiled) -> Plan:
    """What changes when the second takes the place of the first."""
    old = {one.identity: one for one in before.services}
    new = {one.identity: one for one in after.services}
    changes: list[Change] = []
    for identity in sorted({*old, *new}):
        changes += _service(identity, old.get(identity), new.get(identity))
    environments = sorted({one.environment for one in (*old, *new)})
    return Plan(
        tuple(changes),
        tuple((name, _recorded(before, name), _recorded(after, name)) for name in environments),
        tuple((name, _bytes(before, name), _bytes(after, name)) for name in environments),
        tuple(_restarts(before, after)))


def _service(identity: Identity, old: Service | None, new: Service | None) -> Iterator[Change]:
    if old is None or new is None:
        effect, one = (Effect.ADDED, new) if old is None else (Effect.REMOVED, old)
        assert one is not None
        counts = f"{len(one.alerts)} alerts, {sum(len(row.panels) for row in one.dashboard.rows)} panels, {len(one.jobs)} scrape jobs"
        yield Change(identity, "service", identity.name, effect, *(("", counts) if old is None else (counts, "")))
        return
    yield from _alerts(identity, old.alerts, new.alerts)
    yield from _named(identity, "route", _routes(old.routes), _routes(new.routes))
    yield from _named(identity, "recorded series", {_series(one.name, one.labels): _shape(one.expr) for one in old.recordings},
                      {_series(one.name, one.labels): _shape(one.expr) for one in new.recordings}, quiet=True)
    yield from _named(identity, "panel", _panels(old), _panels(new), quiet=True)
    yield from _named(identity, "scrape", _facts(old.jobs, "name"), _facts(new.jobs, "name"))
    yield from _named(identity, "probe", _facts(old.probes, "name"), _facts(new.probes, "name"))
    yield from _named(identity, "log input", _facts(old.logs, "id"), _facts(new.logs, "id"))
    yield from _named(identity, "traces", _facts((old.traces,) if old.traces else (), ""), _facts((new.traces,) if new.traces else (), ""))


def _series(name: str, labels: Iterable[tuple[str, str]]) -> str:
    telling = [f"{key}={value}" for key, value in labels if key in {"component", "indicator", "metric"}]
    return name + (f" ({', '.join(telling)})" if telling else "")


def _alerts(identity: Identity, before: Iterable[AlertRule], after: Iterable[AlertRule]) -> Iterator[Change]:
    old, new = ({_series(one.name, one.labels): one for one in rules} for rules in (before, after))
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change(identity, "alert", name, Effect.REMOVED, old[name].severity.value)
        elif name not in old:
            yield Change(identity, "alert", name, Effect.ADDED, "", new[name].severity.value)
        else:
            yield from _alert(identity, name, old[name], new[name])


def _alert(identity: Identity, name: str, old: AlertRule, new: AlertRule) -> Iterator[Change]:
    if old.severity is not new.severity:
        effect = Effect.MORE if new.severity.loudness > old.severity.loudness else Effect.LESS
        yield Change(identity, "alert", f"{name}: severity", effect, old.severity.value, new.severity.value)
    if old.hold != new.hold:
        yield Change(identity, "alert", f"{name}: for", Effect.MORE if new.hold < old.hold else Effect.LESS,
                     durations.show(old.hold), durations.show(new.hold))
    if old.keep != new.keep:
        yield Change(identity, "alert", f"{name}: keepFiringFor", Effect.CHANGED, durations.show(old.keep), durations.show(new.keep))
    if old.team != new.team:
        yield Change(identity, "alert", f"{name}: team", Effect.CHANGED, old.team, new.team)
    yield from _conditions(identity, name, old.expr, new.expr)


def _conditions(identity: Identity, name: str, old: Expr, new: Expr) -> Iterator[Change]:
    """Numbers that differ in expressions that are alike; else one change of the condition as a whole."""
    if old == new:
        return
    if _shape(old) != _shape(new):
        yield Change(identity, "alert", f"{name}: condition", Effect.CHANGED)
        return
    for one, other in zip(_limits(old), _limits(new), strict=True):
        if one != other:
            (operator, was), (_, now) = one, other
            rising = operator in _RISING
            effect = Effect.CHANGED if operator not in _RISING | _FALLING else Effect.MORE if (now < was) == rising else Effect.LESS
            yield Change(identity, "alert", f"{name}: threshold", effect, durations.number(was), durations.number(now))
    for was_window, now_window in zip(_windows(old), _windows(new), strict=True):
        if was_window != now_window:
            # A shorter range reacts sooner to less: to whoever is paged that is more sensitive.
            effect = Effect.MORE if (now_window or 0) < (was_window or 0) else Effect.LESS
            yield Change(identity, "alert", f"{name}: window", effect, durations.show(was_window or 0), durations.show(now_window or 0))
    if _numbers(old) != _numbers(new):
        yield Change(identity, "alert", f"{name}: condition", Effect.CHANGED)


def _limits(expr: Expr) -> list[tuple[str, float]]:
    """Comparisons with a number, and buckets whose requests count as fast: operator and number."""
    found: list[tuple[str, float]] = []
    for part in walk(expr):
        if isinstance(part, Binary) and part.op in _COMPARED and isinstance(part.right, Number):
            found.append((part.op, part.right.value))
        elif isinstance(part, Selector):
            found += [(">", float(one.value.partition("|")[0].replace("\\", ""))) for one in part.matchers if one.label == _BUCKET]
    return list(dict.fromkeys(found)) if len({*found}) == 1 else found


def _windows(expr: Expr) -> list[float | None]:
    return [part.window for part in walk(expr) if isinstance(part, Range)]


def _numbers(expr: Expr) -> list[float]:
    """Numbers that are no thresholds."""
    limits = {id(part.right) for part in walk(expr) if isinstance(part, Binary) and part.op in _COMPARED}
    return [part.value for part in walk(expr) if isinstance(part, Number) and id(part) not in limits]


def _shape(expr: Expr) -> str:
    """An expression with its numbers and ranges left out: what it asks, not where it draws the line.

    The bucket of a share of slow requests is a threshold too, though it is written as a matcher.
    """
    return "\n".join(_own_words(part) for part in walk(expr))


def _own_words(part: Expr) -> str:
    match part:
        case Selector():
            return f"{part.metric} {[one for one in part.matchers if one.label != _BUCKET]} {part.offset}"
        case Call():
            return f"{part.function} {len(part.args)}"
        case Aggregate():
            return f"{part.op} {part.by} {part.without} {part.param}"
        case Binary():
            return f"{part.op} {part.on} {part.group_left} {part.boolean}"
        case Quoted():
            return part.value
        case Raw():
            return part.text
        case Range() | Number():
            return type(part).__name__


def _routes(routes: Iterable[Route]) -> dict[str, str]:
    return {f"{one.severity.value} of {one.team}": ", ".join(one.receivers) or "nobody" for one in routes}


def _panels(service: Service) -> dict[str, str]:
    return {f"{row.title} / {panel.title}": repr((panel.chart, panel.unit, panel.queries, panel.thresholds))
            for row in service.dashboard.rows for panel in row.panels}


def _facts(items: Iterable[ScrapeJob | ProbeJob | LogInput | TracePolicy], key: str) -> dict[str, str]:
    """What is said of each item, without where it was said."""
    found = {}
    for one in items:
        facts = {field.name: getattr(one, field.name) for field in fields(one) if field.name != "origin"}
        found[str(facts.pop(key)) if key else "policy"] = "; ".join(f"{name} {_said(value)}" for name, value in sorted(facts.items()))
    return found


def _said(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(getattr(one, "name", one)) for one in value) or "none"
    return str(value)


def _named(identity: Identity, kind: str, old: Mapping[str, str], new: Mapping[str, str], *, quiet: bool = False) -> Iterator[Change]:
    """Items by name. With `quiet`, a changed item says that it changed and not from what to what."""
    for name in sorted({*old, *new}):
        if name not in new:
            yield Change(identity, kind, name, Effect.REMOVED, "" if quiet else old[name])
        elif name not in old:
            yield Change(identity, kind, name, Effect.ADDED, "", "" if quiet else new[name])
        elif old[name] != new[name]:
            yield Change(identity, kind, name, Effect.CHANGED, *(("", "") if quiet else _parts(old[name], new[name])))


def _parts(old: str, new: str) -> tuple[str, str]:
    """Of two lists of facts, those that differ."""
    pairs = [(one, other) for one, other in zip_longest(old.split("; "), new.split("; "), fillvalue="") if one != other]
    return "; ".join(one for one, _ in pairs), "; ".join(other for _, other in pairs)


def _recorded(compiled: Compiled, environment: str) -> int:
    """Rules that make series: recorded ones, and one of each alert while it is pending or fires."""
    return sum(len(one.recordings) + len(one.alerts) for one in compiled.services if one.identity.environment == environment)


def _bytes(compiled: Compiled, environment: str) -> int:
    return sum(len(raw) for path, raw in compiled.tree.items() if path.startswith(environment + "/"))


def _restarts(before: Compiled, after: Compiled) -> Iterator[tuple[str, str]]:
    """Objects whose pods are replaced, with their kind: what stands in their template differs."""
    old, new = _templates(before), _templates(after)
    for path in sorted(old.keys() & new.keys()):
        if old[path] != new[path]:
            yield path, new[path][0]


def _templates(compiled: Compiled) -> dict[str, tuple[str, object]]:
    """Kind and pod template (of an operator's object: all of its wishes) of everything that runs pods."""
    found: dict[str, tuple[str, object]] = {}
    for path, raw in compiled.tree.items():
        if f"/{PLATFORM}/" not in path or not any(f"kind: {kind}".encode() in raw for kind in _PODS):
            continue
        data = plain(load(path, raw, Sink()).documents[0].root)
        assert isinstance(data, dict)
        spec = data["spec"]
        found[path] = (str(data["kind"]), spec.get("template", spec))
    return found
