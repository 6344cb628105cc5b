"""Grafana dashboards, built with grafanalib and normalised to the model of today."""

from __future__ import annotations

import json
from collections.abc import Sequence

from grafanalib import _gen
from grafanalib import core as g

from obsc import conventions, encode, k8s, promql
from obsc.emit import Artifact, to_json
from obsc.ir import Chart, Dashboard, Field, Panel, Query, Row, Service, Severity, Text, Threshold, Unit, Variable
from obsc.part import DASHBOARD, Part
from obsc.spec.platform import AIPlatform
from obsc.targets import _grafana_normal as normal

Data = dict[str, object]
_SOURCE: Data = {"type": "prometheus", "uid": "${datasource}"}
_UNITS = {Unit.RATIO: "percentunit", Unit.SECONDS: "s", Unit.BYTES: "bytes", Unit.COUNT: "short", Unit.CORES: "short",
          Unit.CELSIUS: "celsius", Unit.WATTS: "watt", Unit.REQUESTS_PER_SECOND: "reqps",
          Unit.TOKENS_PER_SECOND: "suffix: tok/s", Unit.EVENTS_PER_SECOND: "ops", Unit.BOOL: "bool_on_off"}
_COLORS = {Severity.INFO: "blue", Severity.WARNING: "orange", Severity.CRITICAL: "red"}
_GOOD = "green"
_HEIGHTS = {Chart.NUMBER: 4, Chart.LINES: 8, Chart.BARS: 8, Chart.STATES: 8}
_WIDTH = 24
_LAST: Data = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_QUIET = "No traffic"


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """dashboard.json, and the ConfigMap for the sidecar where dashboards are delivered so."""
    data = board(service.dashboard, platform)
    identity = service.identity
    folder = (identity.namespace, identity.name)
    found = [Artifact(conventions.artifacts(identity.environment, *folder, DASHBOARD), data, "json")]
    if platform.grafana.delivery == "sidecar":
        found.append(Artifact(conventions.manifests(identity.environment, *folder, "dashboard.yaml"), k8s.config_map(
            k8s.object_name(identity.name, "dashboard"), identity.namespace,
            {conventions.dashboard_file(service.dashboard.uid): to_json(data)},
            more={**dict(service.labels), platform.grafana.sidecar_label: "1"},
            annotations=_annotations(service.dashboard.folder))))
    return tuple(found)


def link(environment: str, parts: Sequence[Part], platform: AIPlatform) -> tuple[Artifact, ...]:
    """The dashboards of all services as shards, and the provisioning file that names their folder."""
    if platform.grafana.delivery != "files":
        return ()
    namespace = platform.metadata.namespace
    found = [Artifact(_path(environment, "grafana-provisioning"), k8s.config_map(
        "grafana-provisioning", namespace, {"obsc.yaml": conventions.GRAFANA_PROVISIONING}))]
    for number in range(conventions.SHARDS):
        name = conventions.shard_name("grafana-dashboards", number)
        data = {conventions.dashboard_file(part.dashboard[0]): text for part in parts
                if conventions.shard(part.identity) == number and (text := part.text(DASHBOARD)) is not None}
        found.append(Artifact(_path(environment, name), k8s.config_map(name, namespace, data, annotations=_KEPT)))
    return tuple(found)


# Flux would replace `${datasource}` by nothing, and client-side apply would copy the whole object into an annotation.
_KEPT = {"argocd.argoproj.io/sync-options": "ServerSideApply=true", "kustomize.toolkit.fluxcd.io/substitute": "disabled"}


def _annotations(folder: str) -> dict[str, str]:
    return {**_KEPT, "grafana_folder": encode.grafana_text(folder)}


def _path(environment: str, name: str) -> str:
    return conventions.manifests(environment, conventions.PLATFORM, conventions.manifest_file(name))


def board(dashboard: Dashboard, platform: AIPlatform) -> Data:
    """A dashboard as the plain data of its JSON."""
    panels, y = list[Data](), 0
    for row in dashboard.rows:
        found, y = _row(row, y)
        panels += found
    raw = g.Dashboard(
        title=encode.grafana_text(dashboard.title), uid=dashboard.uid, description=encode.grafana_text(dashboard.description),
        tags=[encode.grafana_text(tag) for tag in dashboard.tags], time=g.Time("now-1h", "now"), rows=[], panels=[],
        templating=g.Templating(list=[]), links=[_link(name, url) for name, url in dashboard.links])
    data = _plain(raw)
    data["templating"] = {"list": [_datasource(platform), *(_variable(one) for one in dashboard.variables)]}
    data["panels"] = normal.identified(panels)
    return normal.dashboard(data, platform.grafana.version)


def _plain(raw: object) -> Data:
    found: Data = json.loads(json.dumps(raw, cls=_gen.DashboardEncoder))
    return found


def _link(name: str, url: str) -> Data:
    return {"title": encode.grafana_text(name), "type": "link", "url": encode.grafana_text(url), "icon": "external link",
            "targetBlank": True, "asDropdown": False, "includeVars": False, "keepTime": False, "tags": [], "tooltip": ""}


def _datasource(platform: AIPlatform) -> Data:
    uid = platform.grafana.datasources.prometheus
    current: Data = {"text": uid, "value": uid, "selected": False} if uid is not None else {}
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "",
            "refresh": 1, "hide": 0, "includeAll": False, "multi": False, "options": [], "current": current,
            "skipUrlSync": False}


def _variable(one: Variable) -> Data:
    query = conventions.label_values(promql.show(one.source, variables="$"), one.label)
    return {"name": one.name, "label": one.title, "type": "query", "datasource": _SOURCE,
            "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "definition": query, "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".+", "hide": 0,
            "options": [], "current": {"text": ["All"], "value": ["$__all"], "selected": True}, "regex": "", "skipUrlSync": False}


def _row(row: Row, y: int) -> tuple[list[Data], int]:
    """A row and its panels in reading order, and where the next row begins."""
    inner, x, line, top = list[Data](), 0, 0, y + 1
    for one in row.panels:
        height = _HEIGHTS[one.chart]
        if x + one.width > _WIDTH:
            x, top, line = 0, top + line, 0
        inner.append(_panel(one, x, top))
        x, line = x + one.width, max(line, height)
    raw = _plain(g.RowPanel(title=encode.grafana_text(row.title), collapsed=row.folded, gridPos=g.GridPos(1, _WIDTH, 0, y)))
    raw["panels"] = inner if row.folded else []
    head = normal.panel(raw, conventions.row_key(row.key), "")
    return [head, *([] if row.folded else inner)], y + 1 if row.folded else top + line


def _panel(one: Panel, x: int, y: int) -> Data:
    grid = g.GridPos(_HEIGHTS[one.chart], one.width, x, y)
    targets = [_target(query, index, one) for index, query in enumerate(one.queries)]
    common = {"title": encode.grafana_text(one.title), "dataSource": _SOURCE, "targets": [], "gridPos": grid}
    builder = {Chart.LINES: _lines, Chart.NUMBER: _number, Chart.BARS: _bars, Chart.STATES: _states}[one.chart]
    raw = _plain(builder(one, common))
    raw["fieldConfig"] = _field_config(one)
    return normal.panel({**raw, "targets": targets}, one.key, encode.grafana_text(one.description))


def _target(query: Query, index: int, one: Panel) -> Data:
    raw = _plain(g.Target(expr=promql.show(query.expr, auto="$__rate_interval"), legendFormat=_legend(query.legend),
                          refId="ABCDEFGH"[index]))
    instant = one.chart is Chart.BARS
    return {"refId": raw["refId"], "datasource": _SOURCE, "editorMode": "code", "expr": raw["expr"],
            "legendFormat": raw["legendFormat"], "range": not instant, "instant": instant}


def _legend(text: Text) -> str:
    return conventions.joined(encode.legend(part) if isinstance(part, str) else _label(part) for part in text)


def _label(field: Field) -> str:
    return conventions.legend_label(field.label)


def _lines(one: Panel, common: Data) -> object:
    several = len(one.queries) > 1 or any(isinstance(part, Field) for query in one.queries for part in query.legend)
    return g.TimeSeries(**common, unit=_UNITS[one.unit], extraJson={"options": {
        "legend": {"showLegend": True, "displayMode": "table" if several else "list", "placement": "bottom",
                   "calcs": ["lastNotNull", "max"] if several else []},
        "tooltip": {"mode": "multi", "sort": "desc"}}})


def _number(one: Panel, common: Data) -> object:
    return g.Stat(**common, format=_UNITS[one.unit], extraJson={"options": {
        "reduceOptions": _LAST, "colorMode": "value", "graphMode": "area", "justifyMode": "auto", "textMode": "auto",
        "orientation": "auto", "wideLayout": True}})


def _bars(one: Panel, common: Data) -> object:
    return g.BarGauge(**common, format=_UNITS[one.unit], extraJson={"options": {
        "reduceOptions": _LAST, "displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True,
        "valueMode": "color", "namePlacement": "auto", "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16}})


def _states(one: Panel, common: Data) -> object:
    return g.StateTimeline(**common, extraJson={"options": {
        "mergeValues": True, "showValue": "never", "alignValue": "left", "rowHeight": 0.9,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"}}})


def _field_config(one: Panel) -> Data:
    defaults: Data = {"unit": _UNITS[one.unit], "color": {"mode": "palette-classic" if one.chart is Chart.LINES else "thresholds"}}
    if one.minimum is not None:
        defaults["min"] = one.minimum
    if one.maximum is not None:
        defaults["max"] = one.maximum
    defaults |= {"thresholds": {"mode": "absolute", "steps": _steps(one.thresholds)}, "noValue": _QUIET}
    if one.chart is Chart.STATES:
        defaults["mappings"] = [{"type": "value", "options": {"0": {"text": "down", "color": "red", "index": 0},
                                                              "1": {"text": "up", "color": _GOOD, "index": 1}}}]
        defaults["noValue"] = "No targets"
    if one.chart is Chart.LINES:
        style = "line" if one.thresholds else "off"
        defaults["custom"] = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": False,
                              "axisPlacement": "auto", "thresholdsStyle": {"mode": style}}
    return {"defaults": defaults, "overrides": []}


def _steps(thresholds: tuple[Threshold, ...]) -> list[Data]:
    """Colours from the bottom up. A line that must not be passed downwards colours what is below it."""
    below = [mark for mark in thresholds if not mark.above]
    if below:
        steps: list[Data] = [{"color": _COLORS[below[0].severity], "value": None}]
        return steps + [{"color": _COLORS[after.severity], "value": mark.value}
                        for mark, after in zip(below, below[1:], strict=False)] + [{"color": _GOOD, "value": below[-1].value}]
    return [{"color": _GOOD, "value": None}, *({"color": _COLORS[mark.severity], "value": mark.value} for mark in thresholds)]
