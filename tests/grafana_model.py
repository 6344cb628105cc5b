"""What a dashboard must be to load and to read well: the rules of Grafana and of its dashboard linter, as a function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

Data = Mapping[str, Any]
UNITS = {"percentunit", "s", "bytes", "short", "celsius", "watt", "reqps", "bool_yes_no"}
OWN_UNIT = re.compile(r"count:[ -~]+")
TYPES = {"timeseries", "stat", "bargauge", "state-timeline", "heatmap", "table"}
KEYS = {"uid", "title", "description", "tags", "schemaVersion", "version", "editable", "graphTooltip", "refresh", "timezone",
        "time", "timepicker", "links", "annotations", "templating", "panels"}
TARGET_KEYS = {"refId", "datasource", "expr", "legendFormat", "format", "range", "instant", "interval"}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Everything that Grafana would fill in where a spec's text stands: only these are ours.
INTERPOLATED = re.compile(r"\$\w+|\$\{[^}]*\}|\[\[\w+")
OURS = re.compile(r"\$(\{datasource\}|\{__value\.raw\}|__rate_interval|__all|[a-z]+)")


def panels(board: Data) -> list[Any]:
    """Every panel that is no row, those in folded rows too."""
    return [inner for one in board["panels"] for inner in (one, *one.get("panels", ())) if inner["type"] != "row"]


def problems(board: Data) -> list[str]:
    """What is wrong with a dashboard; nothing is the aim."""
    return [*_page(board), *_variables(board), *_ids(board), *_grid(board),
            *(f"{one['title']}: {what}" for one in panels(board) for what in _panel(one))]


def _page(board: Data) -> Iterator[str]:
    if set(board) != KEYS:
        yield f"keys {set(board) ^ KEYS}"
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", board["uid"]):
        yield f"uid {board['uid']}"
    if board["editable"] is not False or board["graphTooltip"] != 1 or board["timepicker"] != {}:
        yield "editable, graphTooltip or timepicker"
    if board["schemaVersion"] not in {39, 41, 42}:
        yield f"schemaVersion {board['schemaVersion']}"
    for one in board["annotations"]["list"]:
        if one["datasource"] != SOURCE or not one["target"]["expr"]:
            yield f"annotation {one['name']}"


def _variables(board: Data) -> Iterator[str]:
    first, *rest = board["templating"]["list"]
    if [first[key] for key in ("name", "type", "query", "label")] != ["datasource", "datasource", "prometheus", "Data source"]:
        yield "the first variable is no data source"
    for one in rest:
        good = one["type"] == "query" and one["refresh"] == 2 and one["multi"] and one["includeAll"] and one["sort"] == 1
        if not good or not one["allValue"] or one["datasource"] != SOURCE:
            yield f"variable {one['name']}"
        if not re.fullmatch(r"label_values\([a-zA-Z_:][\w:]*(\{.+\})?, \w+\)", one["definition"]):
            yield f"variable {one['name']} asks {one['definition']}"
        if one["query"]["query"] != one["definition"]:
            yield f"variable {one['name']} shows another query than it asks"


def _ids(board: Data) -> Iterator[str]:
    numbers = [one["id"] for row in board["panels"] for one in (row, *row.get("panels", ()))]
    if len(set(numbers)) != len(numbers) or not all(isinstance(one, int) and 0 < one < 2**31 for one in numbers):
        yield f"ids {numbers}"
    if "id" in board:
        yield "a number of its own"


def _grid(board: Data) -> Iterator[str]:
    shown, hidden = [(one["title"], one["gridPos"]) for one in board["panels"]], list[tuple[str, Any]]()
    for row in board["panels"]:
        if row["type"] == "row" and row["panels"] and not row["collapsed"]:
            yield f"{row['title']}: an open row holds panels"
        nested = [(one["title"], one["gridPos"]) for one in row.get("panels", ())]
        yield from _overlaps(nested)
        hidden += nested
    yield from _overlaps(shown)
    for title, grid in shown + hidden:
        if grid["x"] < 0 or grid["w"] < 1 or grid["x"] + grid["w"] > 24 or grid["y"] < 0 or grid["h"] < 1:
            yield f"{title}: outside of the grid"


def _overlaps(places: list[tuple[str, Any]]) -> Iterator[str]:
    for (one, a), (other, b) in combinations(places, 2):
        if a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"{one} lies on {other}"


def _panel(one: Data) -> Iterator[str]:
    defaults = one["fieldConfig"]["defaults"]
    if one["type"] not in TYPES:
        yield f"type {one['type']}"
    if not one["title"] or not one["description"]:
        yield "no title or description"
    if one["datasource"] != SOURCE:
        yield "another data source"
    if defaults["unit"] not in UNITS and not OWN_UNIT.fullmatch(defaults["unit"]):
        yield f"unit {defaults['unit']}"
    if not defaults["noValue"] or not defaults["mappings"]:
        yield "says nothing where there is nothing"
    yield from _steps(defaults["thresholds"]["steps"])
    for found in INTERPOLATED.findall(one["title"] + one["description"]):
        yield f"{found} in a text"
    if not one["targets"] or len({each["refId"] for each in one["targets"]}) != len(one["targets"]):
        yield "no targets, or two of one name"
    for each in one["targets"]:
        yield from _target(each)


def _steps(steps: list[Any]) -> Iterator[str]:
    values = [step["value"] for step in steps]
    if values[0] is not None or values[1:] != sorted(set(values[1:])):
        yield f"thresholds {values}"
    if {step["color"] for step in steps} - {"green", "orange", "red", "blue"}:
        yield "a colour that means nothing"


def _target(one: Data) -> Iterator[str]:
    if set(one) - TARGET_KEYS or one["datasource"] != SOURCE or one["range"] is one.get("instant", False):
        yield f"target {one['refId']}"
    if re.search(r"\b(rate|irate)\([^()]*\[(?!\$__rate_interval\])", one["expr"]):
        yield f"a rate over a fixed range: {one['expr']}"
    if INTERPOLATED.search(one["legendFormat"]):
        yield f"a variable in the legend {one['legendFormat']}"
    for found in INTERPOLATED.finditer(one["expr"]):
        if not OURS.fullmatch(found.group()):
            yield f"{found.group()} in an expression"
