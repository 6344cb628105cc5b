"""Rule files and PrometheusRules: what Prometheus refuses when it loads them, and rules that hide one another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from obsc.diagnostics import Severity
from obsc.source import Path
from obsc.verify import expressions, forms, grammars
from obsc.verify.problem import Problem, at, below, items, mapping, repeated, shown

_RECORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SINCE_3 = "Prometheus 3 takes it in quotes, older readers and many tools do not: rename it"
_ONLY_ALERTS = ("for", "keep_firing_for", "annotations")


def check_file(data: object) -> Iterator[Problem]:
    """What is wrong with a rule file."""
    yield from forms.check("rules", data)
    names = [at(group, "name") for group in items(at(data, "groups"))]
    for index, first in repeated(names):
        yield Problem("X627", ("groups", index, "name"), f"{shown(names[index])} is also the name of group {first + 1}",
                      "Prometheus refuses the file: rename one of them")
    yield from check_groups(data)


def check_groups(data: object) -> Iterator[Problem]:
    """What is wrong with the rules of `groups` beyond their form, which has been judged by another."""
    for index, group in enumerate(items(at(data, "groups"))):
        yield from below(("groups", index), _group(mapping(group)))


def _group(group: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _labels(group.get("labels"), ("labels",), alert=False)
    rules = [mapping(rule) for rule in items(group.get("rules"))]
    for index, first in repeated([_identity(rule) for rule in rules]):
        yield Problem("X627", ("rules", index, "alert" if "alert" in rules[index] else "record"),
                      f"rule {first + 1} of the group has the same name and labels",
                      "where both have a result they write one series: tell them apart by a label", severity=Severity.WARNING)
    for index, rule in enumerate(rules):
        yield from below(("rules", index), _rule(rule))


def _identity(rule: Mapping[str, Any]) -> str | None:
    name = rule.get("alert") or rule.get("record")
    if not isinstance(name, str):
        return None
    return json.dumps([("alert" in rule), name, rule.get("labels") or {}], sort_keys=True, default=str)


def _rule(rule: Mapping[str, Any]) -> Iterator[Problem]:
    alert, record = rule.get("alert"), rule.get("record")
    if bool(alert) is bool(record):
        found = "both `record` and `alert`" if alert else "neither `record` nor `alert`"
        yield Problem("X628", ("record",) if alert else (), f"found {found}, expected one of them", "keep one", key=bool(alert))
    if "expr" in rule:
        yield from below(("expr",), expressions.check(rule["expr"]))
    if record and not alert:
        yield from _recording(rule, record)
    yield from _labels(rule.get("labels"), ("labels",), alert=bool(alert))
    for name, text in mapping(rule.get("annotations")).items():
        yield from _name(name, ("annotations", name), "annotation")
        yield from _template(text, ("annotations", name))


def _recording(rule: Mapping[str, Any], record: object) -> Iterator[Problem]:
    for key in _ONLY_ALERTS:
        if rule.get(key):
            yield Problem("X628", (key,), f"found `{key}` on a recording rule, which only alerts have", f"delete `{key}`", key=True)
    if isinstance(record, str) and not _RECORD.fullmatch(record):
        braces = "{" in record or "}" in record
        yield Problem("X626", ("record",), f"{shown(record)} is no name of a series, expected letters, digits, `_` and `:`",
                      "matchers belong into `expr`" if braces else _SINCE_3, severity=Severity.ERROR if braces else Severity.WARNING)


def _labels(labels: object, path: Path, *, alert: bool) -> Iterator[Problem]:
    for name, value in mapping(labels).items():
        yield from _name(name, (*path, name), "label")
        if alert:
            yield from _template(value, (*path, name))


def _name(name: str, path: Path, what: str) -> Iterator[Problem]:
    called = f"{shown(name)} is no name of a{'n' if what[0] == 'a' else ''} {what}"
    if name == "__name__" or not name:
        yield Problem("X626", path, called, "name the rule by `record` or `alert`" if name else "name it", key=True)
    elif wrong := grammars.label(name):
        yield Problem("X626", path, f"{called}: {wrong}", _SINCE_3, key=True, severity=Severity.WARNING)


def _template(text: object, path: Path) -> Iterator[Problem]:
    if isinstance(text, str) and (wrong := grammars.alert_template(text)):
        yield Problem("X625", path, f"Prometheus cannot read the template: {wrong}", "mend the template")
