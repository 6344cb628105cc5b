"""grafanalib's JSON → the classic dashboard model as Grafana writes it today.

grafanalib still emits the model of Grafana 5 (schema 12): keys that no version reads any more, a number of points
that makes every graph coarse, a schema that makes Grafana run thirty migrations over the rest. What is kept here is
listed by name, so that nothing old can slip through.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from grafanalib import _gen

Data = dict[str, object]
# Grafana 12.2 and newer write 42; 41 is read by everything from 11.6 on, 39 from 10.3 on.
_SCHEMAS = (((12, 2), 42), ((11, 6), 41), ((0, 0), 39))
_ROW_KEYS = ("id", "type", "title", "collapsed", "gridPos")
_PANEL_KEYS = ("id", "type", "title", "description", "datasource", "gridPos")
_TARGET_KEYS = ("refId", "datasource", "expr", "legendFormat", "format", "instant")
_GRID_KEYS = ("h", "w", "x", "y")
_LARGEST_ID = 2**31 - 1


def plain(built: object) -> Data:
    """What grafanalib built, as plain data."""
    found: Data = json.loads(json.dumps(built, cls=_gen.DashboardEncoder))
    return found


def schema(version: str) -> int:
    """The schema version of a release of Grafana."""
    release = tuple(int(part) for part in version.split("."))
    return next(number for least, number in _SCHEMAS if release >= least)


def ids(keys: Iterable[str]) -> Mapping[str, int]:
    """Ids from keys instead of positions: adding a panel renumbers no other. Of two that meet, the later key moves on."""
    found: dict[str, int] = {}
    taken: set[int] = set()
    for key in sorted(set(keys)):
        number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % _LARGEST_ID + 1
        while number in taken:
            number = number % _LARGEST_ID + 1
        taken.add(number)
        found[key] = number
    return found


def row(built: object, panels: list[Data]) -> Data:
    """A row; a folded one holds its panels, an open one is followed by them."""
    raw = plain(built)
    return {**_only(raw, _ROW_KEYS), "gridPos": _grid(raw), "panels": panels}


def panel(built: object, **own: object) -> Data:
    """A panel with the keys of today, and what grafanalib has no or only an old form of, as given."""
    raw = plain(built)
    targets = raw["targets"]
    assert isinstance(targets, list)
    return {**_only(raw, _PANEL_KEYS), "gridPos": _grid(raw), **own, "targets": [_target(one) for one in targets]}


def _target(raw: Data) -> Data:
    interval = {"interval": raw["interval"]} if raw["interval"] else {}
    # What is usual (a range, as time series) is not said: there are many queries on a page.
    usual = {"format": "time_series", "instant": False}
    said = {key: value for key, value in _only(raw, _TARGET_KEYS).items() if usual.get(key) != value}
    return {**said, **interval, "range": not raw["instant"]}


def _grid(raw: Data) -> Data:
    found = raw["gridPos"]
    assert isinstance(found, dict)
    return _only(found, _GRID_KEYS)


def _only(raw: Data, keys: tuple[str, ...]) -> Data:
    return {key: raw[key] for key in keys}


def dashboard(built: object, version: str, **own: object) -> Data:
    """The dashboard around its panels, with the keys of today."""
    raw = plain(built)
    return {
        **_only(raw, ("uid", "title", "description", "tags")),
        "schemaVersion": schema(version), "version": 1, "editable": False, "graphTooltip": 1, "refresh": "30s",
        "timezone": "browser", "time": raw["time"], "timepicker": {}, **own,
    }
