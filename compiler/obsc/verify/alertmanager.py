"""Alertmanager's configuration, its own and the operator's: receivers, routes, matchers, times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from obsc.diagnostics import Severity
from obsc.source import Path
from obsc.verify import forms, grammars
from obsc.verify.problem import Problem, at, below, items, mapping, nearest, repeated, shown


class _Words(NamedTuple):
    """How a dialect spells the keys that are looked at here."""

    group_by: str
    waits: tuple[str, str]
    mutes: tuple[str, str]


_NATIVE = _Words("group_by", ("group_interval", "repeat_interval"), ("mute_time_intervals", "active_time_intervals"))
_OPERATOR = _Words("groupBy", ("groupInterval", "repeatInterval"), ("muteTimeIntervals", "activeTimeIntervals"))
_SECRETS = (("slack_configs", ("api_url", "app_token")), ("pagerduty_configs", ("routing_key", "service_key")),
            ("webhook_configs", ("url",)), ("opsgenie_configs", ("api_key",)))
_OF_GLOBAL = {"api_url": "slack_api_url", "app_token": "slack_app_token", "api_key": "opsgenie_api_key"}


def check_config(data: object) -> Iterator[Problem]:
    """What is wrong with an alertmanager.yml."""
    yield from forms.check("alertmanager", data)
    times = [at(one, "name") for key in ("mute_time_intervals", "time_intervals") for one in items(at(data, key))]
    receivers = items(at(data, "receivers"))
    route = mapping(at(data, "route"))
    yield from _root(route)
    yield from _names(("receivers",), receivers)
    yield from _names(("time_intervals",), items(at(data, "time_intervals")))
    yield from below(("route",), _route(route, _NATIVE, [at(one, "name") for one in receivers], times))
    yield from _unused(route, receivers, ("receivers",))
    for index, one in enumerate(receivers):
        yield from below(("receivers", index), _ways(mapping(one), mapping(at(data, "global"))))
    for index, one in enumerate(items(at(data, "inhibit_rules"))):
        yield from below(("inhibit_rules", index), _inhibition(mapping(one), ("source_matchers", "target_matchers")))
    for index, interval in enumerate(items(at(data, "time_intervals"))):
        yield from below(("time_intervals", index, "time_intervals"), _times(items(at(interval, "time_intervals"))))


def check_resource(data: object) -> Iterator[Problem]:
    """What is wrong with an AlertmanagerConfig that its schema cannot say."""
    spec = mapping(at(data, "spec"))
    receivers = items(spec.get("receivers"))
    # The first is of v1alpha1, the second of v1beta1.
    times = [at(one, "name") for key in ("muteTimeIntervals", "timeIntervals") for one in items(spec.get(key))]
    yield from below(("spec",), _names(("receivers",), receivers))
    yield from below(("spec", "route"), _route(mapping(spec.get("route")), _OPERATOR, [at(one, "name") for one in receivers], times))
    yield from below(("spec",), _unused(mapping(spec.get("route")), receivers, ("receivers",)))
    for index, one in enumerate(items(spec.get("inhibitRules"))):
        yield from below(("spec", "inhibitRules", index), _inhibition(mapping(one), ("sourceMatch", "targetMatch")))


def _root(route: Mapping[str, Any]) -> Iterator[Problem]:
    if not route.get("receiver"):
        yield Problem("X631", ("route",), "the root route has no receiver, so that some alerts would end nowhere", "write `receiver:`")
    for key in ("match", "match_re", "matchers", *_NATIVE.mutes):
        if route.get(key):
            yield Problem("X631", ("route", key), f"found `{key}` on the root route, which takes every alert",
                          "move it into a child", key=True)
    if route.get("continue"):
        yield Problem("X631", ("route", "continue"), "found `continue` on the root route, behind which nothing comes",
                      "delete it", key=True)


def _names(path: Path, entries: Sequence[object]) -> Iterator[Problem]:
    names = [at(one, "name") for one in entries]
    for index, first in repeated(names):
        yield Problem("X631", (*path, index, "name"), f"{shown(names[index])} is also the name of item {first + 1}", "rename one of them")


def _route(route: Mapping[str, Any], words: _Words, receivers: Sequence[Any], times: Sequence[Any]) -> Iterator[Problem]:
    receiver = route.get("receiver")
    if isinstance(receiver, str) and receiver and receiver not in receivers:
        yield Problem("X631", ("receiver",), f"there is no receiver {shown(receiver)}",
                      nearest(receiver, [one for one in receivers if isinstance(one, str)]))
    for key in words.mutes:
        for index, name in enumerate(items(route.get(key))):
            if name not in times:
                yield Problem("X631", (key, index), f"there is no time interval {shown(name)}",
                              nearest(str(name), [one for one in times if isinstance(one, str)]))
    yield from _grouping(route, words)
    for index, one in enumerate(items(route.get("matchers"))):
        yield from below(("matchers", index), _matcher(one))
    for key in ("match", "match_re"):
        if key in route:
            yield Problem("X631", (key,), f"`{key}` is deprecated", "write `matchers:`", key=True, severity=Severity.WARNING)
    for index, child in enumerate(items(route.get("routes"))):
        yield from below(("routes", index), _route(mapping(child), words, receivers, times))


def _grouping(route: Mapping[str, Any], words: _Words) -> Iterator[Problem]:
    labels = items(route.get(words.group_by))
    for index, _ in repeated(labels):
        yield Problem("X631", (words.group_by, index), f"{shown(labels[index])} stands twice", "delete one")
    if "..." in labels and len(labels) > 1:
        yield Problem("X631", (words.group_by,), "`...` stands for all labels and takes no others beside it", "delete the others")
    for key in words.waits:
        if str(route.get(key)) in {"0", "0s", "0m"}:
            yield Problem("X631", (key,), "found a wait of nothing, which Alertmanager refuses", "write a duration above zero")


def _matcher(one: object) -> Iterator[Problem]:
    """A matcher of the operator, which is a mapping; one of Alertmanager itself is a text and judged by its form."""
    pattern = at(one, "value")
    if at(one, "matchType") in ("=~", "!~") and isinstance(pattern, str) and (wrong := grammars.regex(pattern)):
        yield Problem("X632", ("value",), f"found {shown(pattern)}: {wrong}", "mend the expression")


def _unused(route: Mapping[str, Any], receivers: Sequence[object], path: Path) -> Iterator[Problem]:
    used, todo = set[str](), [route]
    while todo:
        one = todo.pop()
        used |= {one["receiver"]} if isinstance(one.get("receiver"), str) else set()
        todo += [mapping(child) for child in items(one.get("routes"))]
    if used - {str(at(receiver, "name")) for receiver in receivers} - {""}:
        return  # a name is misspelt, and that is said where it stands
    for index, receiver in enumerate(receivers):
        name = at(receiver, "name")
        if isinstance(name, str) and name not in used:
            yield Problem("X631", (*path, index, "name"), f"no route leads to the receiver {shown(name)}",
                          "name it in a route, or delete it", severity=Severity.WARNING)


def _ways(receiver: Mapping[str, Any], usual: Mapping[str, Any]) -> Iterator[Problem]:
    for section, keys in _SECRETS:
        for index, one in enumerate(items(receiver.get(section))):
            given = [key for name in keys for key in (name, f"{name}_file") if at(one, key)]
            inherited = [name for name in keys if usual.get(_OF_GLOBAL.get(name, "")) or usual.get(f"{_OF_GLOBAL.get(name, '')}_file")]
            if not given and not inherited:
                yield Problem("X631", (section, index), f"found neither {_either(keys)}, so that nobody is told",
                              f"write `{keys[0]}_file:`")
            elif len(given) > 1:
                yield Problem("X631", (section, index, given[1]), f"found `{given[0]}` and `{given[1]}`, expected one",
                              "delete one", key=True)


def _either(keys: Sequence[str]) -> str:
    return " nor ".join(f"`{name}`" for key in keys for name in (key, f"{key}_file"))


def _inhibition(rule: Mapping[str, Any], sides: tuple[str, str]) -> Iterator[Problem]:
    if not rule.get("equal"):
        yield Problem("X631", (), "the inhibition names no labels in `equal`: one alert silences those of every service",
                      "write for example `equal: [namespace, service]`", severity=Severity.WARNING)
    for side in sides:
        for index, one in enumerate(items(rule.get(side))):
            yield from below((side, index), _matcher(one))


def _times(intervals: Sequence[object]) -> Iterator[Problem]:
    for index, interval in enumerate(intervals):
        for number, times in enumerate(items(at(interval, "times"))):
            start, end = at(times, "start_time"), at(times, "end_time")
            if isinstance(start, str) and isinstance(end, str) and start >= end:
                yield Problem("X631", (index, "times", number), f"the time ends at {shown(end)}, before it begins at {shown(start)}",
                              "split it at midnight: until `24:00`, and from `00:00`")
