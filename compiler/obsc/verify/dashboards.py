"""Grafana dashboards: what keeps one from loading, from showing anything, or from working in another Grafana."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import combinations
from typing import Any, NamedTuple

from obsc.diagnostics import Severity
from obsc.source import Path
from obsc.verify import expressions
from obsc.verify.problem import Problem, at, below, items, mapping, nearest, repeated, shown

_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_OLDEST_SCHEMA = 36
_WIDTH = 24
# Data sources that every Grafana has.
_BUILT_IN = frozenset({"grafana", "-- Grafana --", "-- Mixed --", "-- Dashboard --", "__expr__"})
_OWN_UNIT = re.compile(r"(prefix|suffix|time|si|count|currency|bool):.+")
_REFERENCE = re.compile(r"\$\{([A-Za-z_]\w*)(?:[:.][^}]*)?\}|\$([A-Za-z_]\w*)|\[\[([A-Za-z_]\w*)(?::\w+)?\]\]")
_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?:(?P<expr>.+),\s*)?[A-Za-z_$][\w${}]*\s*\)\s*", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\((?P<expr>.+)\)\s*", re.DOTALL)
_LOGS = re.compile(r"\|[=~>]|\|\s*(json|logfmt|line_format|unwrap|pattern)\b")
_PROMETHEUS = "prometheus"


class _Panel(NamedTuple):
    path: Path
    data: Mapping[str, Any]


def check(data: object) -> Iterator[Problem]:
    """What is wrong with a dashboard in Grafana's classic form."""
    board = mapping(data)
    yield from _page(board)
    panels = [_Panel(("panels", index), mapping(one)) for index, one in enumerate(items(board.get("panels")))]
    nested = [_Panel((*row.path, "panels", index), mapping(one))
              for row in panels for index, one in enumerate(items(row.data.get("panels")))]
    everything = [*panels, *nested]
    for index, _ in repeated([one.data.get("id") for one in everything]):
        yield Problem("X641", (*everything[index].path, "id"), f"{shown(everything[index].data['id'])} is the id of another panel too",
                      "give each panel a number of its own")
    yield from _grid(panels)
    for row in panels:
        inside = [one for one in nested if one.path[:2] == row.path]
        yield from _grid(inside)
        if row.data.get("type") == "row" and inside and row.data.get("collapsed") is False:
            yield Problem("X642", (*row.path, "panels"), "an open row holds panels, which Grafana does not show",
                          "put them after the row, or collapse it", key=True)
    names = _variables(board)
    kind = _usual_kind(board)
    for panel in everything:
        yield from below(panel.path, _panel(panel.data, names, kind))
    yield from _templating(board, names)
    for index, one in enumerate(items(at(board, "annotations", "list"))):
        yield from below(("annotations", "list", index), _annotation(mapping(one), kind))


def _page(board: Mapping[str, Any]) -> Iterator[Problem]:
    uid = board.get("uid")
    if uid is None or uid == "":
        yield Problem("X640", (), "the dashboard has no uid: Grafana makes one up, and links to it break",
                      "write `uid`", severity=Severity.WARNING)
    elif not isinstance(uid, str) or not _UID.fullmatch(uid):
        yield Problem("X640", ("uid",), f"{shown(uid)} is no uid, expected at most 40 letters, digits, `-` and `_`",
                      "shorten it" if isinstance(uid, str) and len(uid) > 40 else "")
    if board.get("id") is not None:
        yield Problem("X640", ("id",), "found the number of the dashboard in one Grafana, which means another one elsewhere",
                      "write null, or delete it")
    if not isinstance(board.get("title"), str) or not board["title"].strip():
        yield Problem("X640", ("title",) if "title" in board else (), "the dashboard has no title", "write `title`")
    version = board.get("schemaVersion")
    if isinstance(version, int) and version < _OLDEST_SCHEMA:
        yield Problem("X640", ("schemaVersion",),
                      f"Grafana rewrites a dashboard of schema {version} on loading, and guesses at what it means",
                      "export it from a current Grafana", severity=Severity.WARNING)


def _grid(panels: list[_Panel]) -> Iterator[Problem]:
    placed = []
    for panel in panels:
        grid = panel.data.get("gridPos")
        numbers = [at(grid, key) for key in ("x", "y", "w", "h")]
        if grid is None:
            continue
        if not all(isinstance(one, int) and not isinstance(one, bool) for one in numbers):
            yield Problem("X642", (*panel.path, "gridPos"), "found a place without four whole numbers h, w, x and y", "write all four")
            continue
        x, y, width, height = numbers
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > _WIDTH:
            yield Problem("X642", (*panel.path, "gridPos"), f"the panel reaches from column {x} to {x + width}, the grid has {_WIDTH}", "")
            continue
        placed.append((panel, x, y, width, height))
    told: set[Path] = set()
    for (one, x1, y1, w1, h1), (other, x2, y2, w2, h2) in combinations(placed, 2):
        if x1 < x2 + w2 and x2 < x1 + w1 and y1 < y2 + h2 and y2 < y1 + h1 and other.path not in told:
            told.add(other.path)
            yield Problem("X642", (*other.path, "gridPos"),
                          f"the panel {shown(other.data.get('title'))} lies on {shown(one.data.get('title'))}",
                          "move one of them")


def _variables(board: Mapping[str, Any]) -> frozenset[str]:
    listed = {str(at(one, "name")) for one in items(at(board, "templating", "list"))}
    inputs = {str(at(one, "name")) for one in items(board.get("__inputs"))}
    repeats = {str(one.get("repeat")) for one in map(mapping, items(board.get("panels"))) if one.get("repeat")}
    return frozenset(listed | inputs | repeats)


def _usual_kind(board: Mapping[str, Any]) -> str:
    """The type of data source that the dashboard's variables offer, if it is one; prometheus if there are none."""
    kinds = {str(at(one, "query")) for one in items(at(board, "templating", "list")) if at(one, "type") == "datasource"}
    return next(iter(kinds)) if len(kinds) == 1 else "" if kinds else _PROMETHEUS


def _panel(panel: Mapping[str, Any], names: frozenset[str], kind: str) -> Iterator[Problem]:
    if panel.get("type") == "row":
        return
    yield from _source(panel)
    targets = [mapping(one) for one in items(panel.get("targets"))]
    # Grafana gives a letter to what has none.
    for index, _ in repeated([one.get("refId") or None for one in targets]):
        yield Problem("X641", ("targets", index, "refId"),
                      f"{shown(targets[index]['refId'])} is the refId of another query of the panel too",
                      "call them A, B, C …")
    own = _kind_of(panel.get("datasource"), kind)
    for index, target in enumerate(targets):
        yield from below(("targets", index), _source(target))
        expr = target.get("expr")
        if isinstance(expr, str) and _kind_of(target.get("datasource"), own) == _PROMETHEUS and not _LOGS.search(expr):
            yield from below(("targets", index, "expr"), expressions.check_of_panel(expr))
            yield from below(("targets", index, "expr"), _known(expr, names))
    yield from _units(panel)


def _kind_of(source: object, usual: str) -> str:
    kind = at(source, "type")
    return kind if isinstance(kind, str) and not kind.startswith("$") else usual if not isinstance(source, str) else ""


def _source(holder: Mapping[str, Any]) -> Iterator[Problem]:
    source = holder.get("datasource")
    uid = at(source, "uid") if isinstance(source, dict) else source
    if isinstance(uid, str) and uid and not uid.startswith(("$", "[[")) and uid not in _BUILT_IN:
        path: Path = ("datasource", "uid") if isinstance(source, dict) else ("datasource",)
        yield Problem("X643", path, f"found the data source {shown(uid)} of one Grafana",
                      "write `${datasource}`, and add a variable of that name")


def _known(expr: str, names: frozenset[str]) -> Iterator[Problem]:
    for found in _REFERENCE.finditer(expr):
        name = next(group for group in found.groups() if group)
        if name not in names and not name.startswith("__"):
            yield Problem("X645", (), f"there is no variable {shown(name)}", nearest(name, names))


@lru_cache(maxsize=1)
def _known_units() -> frozenset[str]:
    text = (files("obsc.verify") / "units.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def _units(panel: Mapping[str, Any]) -> Iterator[Problem]:
    defaults = at(panel, "fieldConfig", "defaults", "unit")
    yield from below(("fieldConfig", "defaults", "unit"), _unit(defaults))
    for index, one in enumerate(items(at(panel, "fieldConfig", "overrides"))):
        for number, setting in enumerate(items(at(one, "properties"))):
            if at(setting, "id") == "unit":
                yield from below(("fieldConfig", "overrides", index, "properties", number, "value"), _unit(at(setting, "value")))


def _unit(unit: object) -> Iterator[Problem]:
    if isinstance(unit, str) and unit and unit not in _known_units() and not _OWN_UNIT.fullmatch(unit) and not unit.startswith("$"):
        yield Problem("X644", (), f"Grafana has no unit {shown(unit)} and would print it behind each number",
                      nearest(unit, _known_units()) or f"write `suffix:{unit}`, if that is meant")


def _templating(board: Mapping[str, Any], names: frozenset[str]) -> Iterator[Problem]:
    variables = [mapping(one) for one in items(at(board, "templating", "list"))]
    for index, first in repeated([one.get("name") for one in variables]):
        yield Problem("X641", ("templating", "list", index, "name"),
                      f"{shown(variables[index]['name'])} is also the name of variable {first + 1}",
                      "rename one of them")
    kind = _usual_kind(board)
    for index, one in enumerate(variables):
        path: Path = ("templating", "list", index)
        yield from below(path, _source(one))
        if one.get("type") == "query" and _kind_of(one.get("datasource"), kind) == _PROMETHEUS:
            key: Path = ("query", "query") if isinstance(one.get("query"), dict) else ("query",)
            yield from below((*path, *key), _variable_query(at(one, *key), names))


def _variable_query(query: object, names: frozenset[str]) -> Iterator[Problem]:
    if not isinstance(query, str):
        return
    found = _LABEL_VALUES.fullmatch(query) or _QUERY_RESULT.fullmatch(query)
    if found is not None and found["expr"]:
        yield from expressions.check_of_panel(found["expr"])
        yield from _known(query, names)


def _annotation(one: Mapping[str, Any], kind: str) -> Iterator[Problem]:
    yield from _source(one)
    for path in (("expr",), ("target", "expr")):
        expr = at(one, *path)
        if isinstance(expr, str) and _kind_of(one.get("datasource"), kind) == _PROMETHEUS:
            yield from below(path, expressions.check_of_panel(expr))
