"""One panel: its queries, and how each kind of chart draws them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from grafanalib import core as g

from obsc import conventions, encode, promql
from obsc.ir import Chart, Field, Panel, Query, Severity, Text, Threshold, Unit
from obsc.targets import _grafana_normal as normal
from obsc.targets._grafana_normal import Data

SOURCE: Data = {"type": "prometheus", "uid": "${datasource}"}
COLORS = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.CRITICAL: "red"}
HEIGHTS = {Chart.LINES: 8, Chart.NUMBER: 4, Chart.BARS: 8, Chart.STATES: 8, Chart.HEAT: 8, Chart.TABLE: 16}
_GOOD = "green"
_UNITS = {Unit.RATIO: "percentunit", Unit.SECONDS: "s", Unit.BYTES: "bytes", Unit.COUNT: "short", Unit.CORES: "short",
          Unit.CELSIUS: "celsius", Unit.WATTS: "watt", Unit.REQUESTS_PER_SECOND: "reqps",
          # `count` scales (12.3K tok/s), `suffix` would not.
          Unit.TOKENS_PER_SECOND: "count:tok/s", Unit.EVENTS_PER_SECOND: "count:/s", Unit.BOOL: "bool_yes_no"}
_FRAMES: Mapping[Chart, Callable[..., object]] = {
    Chart.LINES: g.TimeSeries, Chart.NUMBER: g.Stat, Chart.BARS: g.BarGauge, Chart.STATES: g.StateTimeline,
    Chart.HEAT: g.Heatmap, Chart.TABLE: g.Table}
_FORMATS = {Chart.HEAT: "heatmap", Chart.TABLE: "table"}
_INSTANT = frozenset({Chart.BARS, Chart.TABLE})
_LAST: Data = {"calcs": ["lastNotNull"], "fields": "", "values": False}


@dataclass(frozen=True, slots=True)
class Page:
    """What all panels of a page share: Grafana's version, and the time between samples as text ("": not known)."""

    version: str
    interval: str


def panel(one: Panel, number: int, grid: tuple[int, int, int, int], page: Page) -> Data:
    """A panel at `grid` (height, width, x, y) with the id `number`."""
    built = _FRAMES[one.chart](
        id=number, title=encode.grafana_text(one.title), description=encode.grafana_markdown(one.description),
        gridPos=g.GridPos(*grid), dataSource=SOURCE,
        targets=[_target(query, index, one.chart, page) for index, query in enumerate(one.queries)])
    more: Data = {"links": [anchor(name, url, own=False) for name, url in one.links]} if one.links else {}
    if one.chart is Chart.TABLE:
        more["transformations"] = _one_table(one)
    return normal.panel(built, pluginVersion=page.version, fieldConfig=_field_config(one), options=_OPTIONS[one.chart](one),
                        **more)


def anchor(title: str, url: str, *, own: bool) -> Data:
    """A link, to a page of this Grafana (`own`) or to anywhere else, in a window of its own then."""
    return {"title": encode.grafana_text(title), "type": "link", "url": encode.grafana_url(url), "tooltip": "", "tags": [],
            "icon": "dashboard" if own else "external link", "asDropdown": False, "targetBlank": not own,
            "includeVars": False, "keepTime": own}


def _target(query: Query, index: int, chart: Chart, page: Page) -> object:
    # A query's own interval is what `$__rate_interval` is computed from: four samples fit, whatever the data source says.
    return g.Target(refId=conventions.query_letter(index), datasource=SOURCE, interval=page.interval,
                    expr=promql.show(query.expr, auto="$__rate_interval"), legendFormat=legend(query.legend),
                    format=_FORMATS.get(chart, "time_series"), instant=chart in _INSTANT)


def legend(text: Text) -> str:
    """The name of a series: literals stand for themselves, `{{label}}` for a label's value."""
    return conventions.joined(encode.legend(part) if isinstance(part, str) else _label(part) for part in text)


def _label(field: Field) -> str:
    return conventions.legend_label(field.label)


def _lines(one: Panel) -> Data:
    several = len(one.queries) > 1 or any(isinstance(part, Field) for query in one.queries for part in query.legend)
    return {"legend": {"showLegend": True, "displayMode": "table" if several else "list", "placement": "bottom",
                       "calcs": ["lastNotNull", "max"] if several else []},
            "tooltip": {"mode": "multi", "sort": "desc"}}


def _number(one: Panel) -> Data:
    # Colour says good or bad, so it stands where there is a threshold; elsewhere it would say "good" of any number.
    return {"reduceOptions": _LAST, "colorMode": "value" if one.thresholds else "none", "graphMode": "area",
            "justifyMode": "auto", "textMode": "auto", "orientation": "auto", "wideLayout": True,
            "showPercentChange": False, "percentChangeColorMode": "standard"}


def _bars(_: Panel) -> Data:
    return {"reduceOptions": _LAST, "displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True,
            "valueMode": "color", "namePlacement": "auto", "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16,
            "maxVizHeight": 300, "legend": _NO_LEGEND}


_NO_LEGEND: Data = {"showLegend": False, "displayMode": "list", "placement": "bottom", "calcs": []}


def _states(_: Panel) -> Data:
    return {"mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.9, "legend": _NO_LEGEND,
            "tooltip": {"mode": "single", "sort": "none"}}


def _heat(one: Panel) -> Data:
    """Classic buckets are drawn as they are (`calculate` false): Grafana sorts them by `le` and takes their differences."""
    return {"calculate": False, "cellGap": 1, "showValue": "never", "rowsFrame": {"layout": "auto"},
            "yAxis": {"unit": _UNITS[one.unit], "axisPlacement": "left", "reverse": False},
            "color": {"mode": "scheme", "scheme": "Oranges", "fill": "dark-orange", "scale": "exponential", "exponent": 0.5,
                      "steps": 64, "reverse": False},
            "filterValues": {"le": 1e-9}, "exemplars": {"color": "rgba(255,0,255,0.7)"}, "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": False}}


def _table(one: Panel) -> Data:
    return {"showHeader": True, "cellHeight": "sm", "frameIndex": 0,
            "sortBy": [{"displayName": legend(query.legend), "desc": True} for query in one.queries[:1]]}


_OPTIONS: Mapping[Chart, Callable[[Panel], Data]] = {
    Chart.LINES: _lines, Chart.NUMBER: _number, Chart.BARS: _bars, Chart.STATES: _states, Chart.HEAT: _heat, Chart.TABLE: _table}


def _one_table(one: Panel) -> list[Data]:
    """One row for each set of labels: the answers joined, the moment left out, columns in order and with headings."""
    letters = [conventions.query_letter(index) if len(one.queries) > 1 else "" for index in range(len(one.queries))]
    headings = {label: encode.grafana_text(heading) for label, heading in one.labels}
    headings |= {conventions.value_column(letter): legend(query.legend)
                 for letter, query in zip(letters, one.queries, strict=True)}
    return [{"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {"Time": True}, "renameByName": headings,
                                           "indexByName": {name: index for index, name in enumerate(headings)}}}]


def _field_config(one: Panel) -> Data:
    defaults: Data = {"unit": _UNITS[one.unit], "noValue": encode.grafana_text(one.empty), "mappings": _mappings(one),
                      "color": {"mode": "thresholds" if one.chart is not Chart.LINES else "palette-classic"},
                      "thresholds": {"mode": "absolute", "steps": steps(one.thresholds)}}
    if one.minimum is not None:
        defaults["min"] = one.minimum
    if one.maximum is not None:
        defaults["max"] = one.maximum
    custom = _CUSTOM.get(one.chart)
    if custom is not None:
        defaults["custom"] = {**custom, "thresholdsStyle": {"mode": "line" if one.thresholds else "off"}} \
            if one.chart is Chart.LINES else custom
    return {"defaults": defaults, "overrides": _overrides(one)}


_CUSTOM: Mapping[Chart, Data] = {
    Chart.LINES: {"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 10, "showPoints": "auto",
                  "spanNulls": False, "axisPlacement": "auto"},
    Chart.STATES: {"fillOpacity": 70, "lineWidth": 0},
    Chart.HEAT: {"scaleDistribution": {"type": "linear"}},
    Chart.TABLE: {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False, "filterable": True}}


def _mappings(one: Panel) -> list[Data]:
    """0/0 is not a number: that nothing came in, not that something is wrong."""
    none: Data = {"type": "special", "options": {"match": "nan", "result": {"text": encode.grafana_text(one.empty), "index": 0}}}
    if one.chart is not Chart.STATES:
        return [none]
    return [{"type": "value", "options": {"0": {"text": "down", "color": COLORS[Severity.CRITICAL], "index": 0},
                                          "1": {"text": "up", "color": _GOOD, "index": 1}}}]


def steps(thresholds: tuple[Threshold, ...]) -> list[Data]:
    """Colours from the bottom up, each from its value on; the first, from minus infinity, has none.

    A line that must not be passed downwards colours what is below it, one that must not be passed upwards what is above.
    At one value the graver of two wins.
    """
    ranks = list(reversed(Severity))  # from light to grave, so that the graver replaces the lighter
    marks = sorted(thresholds, key=lambda mark: ranks.index(mark.severity))
    below = sorted({mark.value: mark.severity for mark in marks if not mark.above}.items())
    above = sorted({mark.value: mark.severity for mark in marks if mark.above}.items())
    colors = [*(COLORS[severity] for _, severity in below), _GOOD, *(COLORS[severity] for _, severity in above)]
    values = [None, *(value for value, _ in below), *(value for value, _ in above)]
    return [{"color": color, "value": value} for color, value in zip(colors, values, strict=True)]


def _overrides(one: Panel) -> list[Data]:
    found = list[Data]()
    for index, query in enumerate(one.queries):
        properties = _own_properties(query, one.chart)
        if properties:
            matcher: Data = {"id": "byName", "options": legend(query.legend)} if one.chart is Chart.TABLE \
                else {"id": "byFrameRefID", "options": conventions.query_letter(index)}
            found.append({"matcher": matcher, "properties": properties})
    if one.opens:
        heading = dict(one.labels)[one.opens]
        found.append({"matcher": {"id": "byName", "options": encode.grafana_text(heading)}, "properties": [
            {"id": "mappings", "value": [{"type": "regex", "options": {
                "pattern": ".+", "result": {"text": "open", "index": 0}}}]},
            {"id": "links", "value": [{"title": "Open", "url": conventions.PAGE_IN_CELL, "targetBlank": False}]}]})
    return found


def _own_properties(query: Query, chart: Chart) -> list[Data]:
    properties: list[Data] = [{"id": "unit", "value": _UNITS[query.unit]}] if query.unit is not None else []
    if query.thresholds:
        properties.append({"id": "thresholds", "value": {"mode": "absolute", "steps": steps(query.thresholds)}})
        if chart is Chart.TABLE:
            properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    return properties
