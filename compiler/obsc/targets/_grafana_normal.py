"""grafanalib's JSON → the classic dashboard model as Grafana writes it today.

grafanalib still emits the model of Grafana 5 (schema 12): keys that no version reads any more, a number of points
that makes every graph coarse, a schema that makes Grafana run thirty migrations over the rest. What is kept here is
listed by name, so that nothing old can slip through.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Data = dict[str, object]
# Grafana 12.2 and newer write 42; 41 is read by everything from 11.6 on, 39 from 10.3 on.
_SCHEMAS = (((12, 2), 42), ((11, 6), 41), ((0, 0), 39))
_PANEL_KEYS = ("id", "type", "title", "description", "datasource", "gridPos", "fieldConfig", "options", "targets", "collapsed",
               "panels")
_LARGEST_ID = 2**31 - 1


def schema(version: str) -> int:
    """The schema version of a release of Grafana."""
    release = tuple(int(part) for part in version.split("."))
    return next(number for least, number in _SCHEMAS if release >= least)


def panel(raw: Data, key: str, description: str) -> Data:
    """A panel with only the keys of today, in one order; `key` is kept for its id until `identified`."""
    data = {name: raw[name] for name in _PANEL_KEYS if name in raw and name != "id"}
    data["description"] = description
    if raw["type"] == "row":
        data = {"type": "row", "title": raw["title"], "collapsed": raw["collapsed"], "gridPos": _grid(raw["gridPos"]),
                "panels": raw["panels"]}
    else:
        data["gridPos"] = _grid(raw["gridPos"])
    return {"id": key, **data}


def _grid(raw: object) -> Data:
    assert isinstance(raw, dict)
    return {name: raw[name] for name in ("h", "w", "x", "y")}


def identified(panels: Iterable[Data]) -> list[Data]:
    """Ids from keys instead of positions: adding a panel renumbers no other. Two that meet take the next free one."""
    listed = list(panels)
    keys = sorted({str(one["id"]) for board in listed for one in (board, *_inner(board))})
    ids: dict[str, int] = {}
    for key in keys:
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _LARGEST_ID + 1
        while number in ids.values():
            number = number % _LARGEST_ID + 1
        ids[key] = number
    return [_numbered(one, ids) for one in listed]


def _inner(board: Data) -> list[Data]:
    inner = board.get("panels")
    return list(inner) if isinstance(inner, list) else []


def _numbered(board: Data, ids: dict[str, int]) -> Data:
    inner = {"panels": [_numbered(one, ids) for one in _inner(board)]} if "panels" in board else {}
    return {**board, "id": ids[str(board["id"])], **inner}


def dashboard(raw: Data, version: str) -> Data:
    """The dashboard around its panels, with the keys of today."""
    return {
        "uid": raw["uid"], "title": raw["title"], "description": raw["description"], "tags": raw["tags"],
        "schemaVersion": schema(version), "version": 1, "editable": False, "graphTooltip": 1, "refresh": "30s",
        "timezone": "browser", "time": raw["time"], "timepicker": {}, "links": raw["links"], "annotations": raw["annotations"],
        "templating": raw["templating"], "panels": raw["panels"],
    }
