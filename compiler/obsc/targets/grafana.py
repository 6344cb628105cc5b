"""Grafana dashboards, built with grafanalib and normalised to the model of today; one page for each service, one for all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from grafanalib import core as g

from obsc import conventions, encode, k8s, promql
from obsc.catalog import Catalog
from obsc.emit import Artifact
from obsc.ir import AlertRule, Dashboard, Event, Field, Panel, Row, Service, Severity, Variable
from obsc.part import DASHBOARD, Part
from obsc.spec.platform import AIPlatform
from obsc.targets import _fleet
from obsc.targets import _grafana_normal as normal
from obsc.targets._grafana_normal import Data
from obsc.targets._grafana_panels import COLORS, HEIGHTS, SOURCE, Page, anchor, legend, panel
from obsc.targets._shards import File, config_maps

_WIDTH = 24
_SHARDS = "grafana-dashboards"
# How the operator's own documents label the Grafana that takes dashboards.
_INSTANCES = {"dashboards": "grafana"}


def compile_(service: Service, platform: AIPlatform) -> tuple[Artifact, ...]:
    """dashboard.json, and the ConfigMap for the sidecar where dashboards are delivered so."""
    identity = service.identity
    data = board(_page(service, platform), platform, home=conventions.fleet_uid(identity.environment))
    folder = (identity.environment, identity.namespace, identity.name)
    found = [Artifact(conventions.artifacts(*folder, DASHBOARD), data, "json")]
    if platform.grafana.delivery == "operator":
        name = k8s.object_name(identity.name, "dashboard")
        found.append(Artifact(conventions.manifests(*folder, "dashboard.yaml"), _for_operator(
            name, identity.namespace, data, service.dashboard.folder, dict(service.labels))))
    if platform.grafana.delivery == "sidecar":
        found.append(Artifact(conventions.manifests(*folder, "dashboard.yaml"), _for_sidecar(
            k8s.object_name(identity.name, "dashboard"), identity.namespace, data, service.dashboard.folder,
            platform, dict(service.labels))))
    return tuple(found)


def link(environment: str, parts: Sequence[Part], platform: AIPlatform, _: Catalog) -> tuple[Artifact, ...]:
    """The page about all services; and, where Grafana reads files, all pages as shards and what tells it to read them."""
    fleet = _fleet.dashboard(environment)
    data = board(fleet, platform)
    found = [Artifact(conventions.artifacts(environment, conventions.PLATFORM, DASHBOARD), data, "json")]
    namespace = platform.metadata.namespace
    if platform.grafana.delivery == "sidecar":
        name = k8s.object_name("grafana", "fleet")
        return (*found, Artifact(_path(environment, name), _for_sidecar(name, namespace, data, fleet.folder, platform, {})))
    if platform.grafana.delivery == "operator":
        name = k8s.object_name("grafana", "fleet")
        return (*found, Artifact(_path(environment, name), _for_operator(name, namespace, data, fleet.folder, {})))
    found.append(Artifact(_path(environment, "grafana-provisioning"), k8s.config_map(
        "grafana-provisioning", namespace, {"obsc.yaml": conventions.GRAFANA_PROVISIONING})))
    count = conventions.shards(_SHARDS, platform.capacity)
    pages = [File(conventions.shard(part.identity, count), conventions.dashboard_file(part.dashboard[0]), mark, partial(_compact, text))
             for part in parts for _, mark, text in part.unread(DASHBOARD)]
    page = encode.json_by_line(data)
    pages.append(File(0, conventions.dashboard_file(fleet.uid), page, partial(str, page)))
    shards = config_maps(_SHARDS, count, namespace, pages)
    return (*found, *(Artifact(conventions.manifests(environment, conventions.PLATFORM, file), one) for file, one in shards.items()))


def _compact(read: Callable[[], str]) -> str:
    """A dashboard in half of its bytes: a thousand of them share a few objects. What is none stays as it is."""
    text = read()
    try:
        data = json.loads(text)
    except ValueError:
        return text
    return encode.json_by_line(data) if isinstance(data, dict) else text


def _for_sidecar(name: str, namespace: str, data: Data, folder: str, platform: AIPlatform,
                 labels: Mapping[str, str]) -> Data:
    chosen = encode.grafana_folder(folder)
    annotations = {**k8s.SERVER_SIDE, "grafana_folder": chosen} if chosen else k8s.SERVER_SIDE
    return k8s.config_map(name, namespace, {conventions.dashboard_file(str(data["uid"])): encode.json_by_line(data)},
                          more={**labels, platform.grafana.sidecar_label: "1"}, annotations=annotations)


def _for_operator(name: str, namespace: str, data: Data, folder: str, labels: Mapping[str, str]) -> Data:
    """An object of Grafana's operator. Uid and selector never change: the operator refuses an object where they do."""
    chosen = encode.grafana_folder(folder)
    spec: Data = {"allowCrossNamespaceImport": True, "instanceSelector": {"matchLabels": _INSTANCES}, "resyncPeriod": "10m0s",
                  "uid": data["uid"], **({"folder": chosen} if chosen else {}), "json": encode.json_by_line(data)}
    return k8s.obj("grafana.integreatly.org/v1beta1", "GrafanaDashboard", name, namespace,
                   own_labels=k8s.labels(name, more=labels), annotations=k8s.SERVER_SIDE, spec=spec)


def _path(environment: str, name: str) -> str:
    return conventions.manifests(environment, conventions.PLATFORM, conventions.manifest_file(name))


def _page(service: Service, platform: AIPlatform) -> Dashboard:
    """The service's page with what the rest of the service says: alerts as events, runbooks, the slowest scrape."""
    page, jobs = service.dashboard, [job.interval for job in service.jobs]
    fires = promql.select("ALERTS", promql.equal("alertstate", "firing"), promql.equal("namespace", service.identity.namespace),
                          promql.equal("service", service.identity.name))
    firing = Event("Firing alerts", fires, (Field(label="alertname"), " (", Field(label="severity"), ")"), Severity.CRITICAL)
    bases = {link.name: link.url for link in service.links}
    runbooks = bases.get("runbooks") or platform.metadata.links.get("runbooks") or ""
    return replace(
        page, events=(firing, *page.events), related=("obsc", service.team),
        interval=max([platform.prometheus.scrape_interval, platform.prometheus.evaluation_interval, *jobs]),
        rows=tuple(replace(row, panels=tuple(_explained(one, service.alerts, runbooks) for one in row.panels))
                   for row in page.rows))


def _explained(one: Panel, alerts: Iterable[AlertRule], runbooks: str) -> Panel:
    """The panel with a link to the runbook of each alert that it shows."""
    names = sorted({rule.name for rule in alerts if rule.panel == one.key}) if runbooks else []
    return replace(one, links=(*one.links, *((name, conventions.runbook_url(runbooks, name)) for name in names)))


def board(dashboard: Dashboard, platform: AIPlatform, *, home: str = "") -> Data:
    """A dashboard as the plain data of its JSON; `home` is the uid of the page about all services."""
    page = Page(platform.grafana.version, conventions.seconds(dashboard.interval) if dashboard.interval else "")
    built = g.Dashboard(
        uid=dashboard.uid, title=encode.grafana_text(dashboard.title), tags=[encode.grafana_text(tag) for tag in dashboard.tags],
        description=encode.grafana_text(dashboard.description or "Compiled by obsc: change the specification, not this page."),
        time=g.Time("now-1h", "now"))
    variables = [_variable(one, dashboard.variables[:index]) for index, one in enumerate(dashboard.variables)]
    return normal.dashboard(
        built, platform.grafana.version, links=_links(dashboard, home),
        annotations={"list": [_event(one, page) for one in dashboard.events]},
        templating={"list": [_datasource(platform), *variables]}, panels=_panels(dashboard.rows, page))


def _links(dashboard: Dashboard, home: str) -> list[Data]:
    """Other pages first. Their variables have other values, so only the time goes along."""
    found = [anchor("All AI services", conventions.page(home), own=True)] if home else []
    if dashboard.related:
        found.append({**anchor("Other services", "", own=True), "type": "dashboards", "asDropdown": True,
                      "tags": [encode.grafana_text(tag) for tag in dashboard.related]})
    return [*found, *(anchor(name, url, own=False) for name, url in dashboard.links)]


def _event(one: Event, page: Page) -> Data:
    # The value of a timed event is its moment, which Grafana takes in milliseconds.
    expr = promql.Binary("*", one.expr, promql.Number(1000)) if one.timed else one.expr
    return {"name": encode.grafana_text(one.name), "datasource": SOURCE, "enable": True, "hide": False,
            "iconColor": COLORS[one.severity], "titleFormat": legend(one.title), "textFormat": "", "tagKeys": "",
            "useValueForTime": one.timed, "target": {"refId": "Event", "expr": promql.show(expr, auto="$__rate_interval"),
                                                     "interval": page.interval}}


def _datasource(platform: AIPlatform) -> Data:
    uid = platform.grafana.datasources.prometheus
    current: Data = {"current": {"text": uid, "value": uid, "selected": False}} if uid is not None else {}
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "",
            "refresh": 1, "hide": 0, "includeAll": False, "multi": False, "options": [], **current, "skipUrlSync": False}


def _variable(one: Variable, before: Sequence[Variable]) -> Data:
    """A choice; what was chosen before narrows it, and "All" is no more than its source allows."""
    query = conventions.label_values(promql.show(_narrowed(one.source, before), variables="$"), one.label)
    return {"name": one.name, "label": encode.grafana_text(one.title), "type": "query", "datasource": SOURCE,
            "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
            "definition": query, "regex": "", "refresh": 2, "sort": 1, "hide": 0, "multi": True, "includeAll": True,
            "allValue": _every(one), "options": [], "current": {"text": ["All"], "value": ["$__all"], "selected": True},
            "skipUrlSync": False}


def _narrowed(source: promql.Expr, before: Sequence[Variable]) -> promql.Expr:
    names = {one.label: one.name for one in before}
    return promql.substitute(source, {selector: replace(selector, matchers=tuple(
        promql.Matcher(matcher.label, "=~", names[matcher.label], variable=True) if matcher.label in names else matcher
        for matcher in selector.matchers)) for selector in _selectors(source)})


def _every(one: Variable) -> str:
    """What "All" stands for: whatever the source is limited to, so that it does not show another tenant's series."""
    for matcher in (matcher for selector in _selectors(one.source) for matcher in selector.matchers):
        if matcher.label == one.label and not matcher.variable and matcher.op in {"=", "=~"}:
            return encode.re2_literal(matcher.value) if matcher.op == "=" else matcher.value
    return ".+"


def _selectors(source: promql.Expr) -> list[promql.Selector]:
    return [part for part in promql.walk(source) if isinstance(part, promql.Selector)]


def _panels(rows: Sequence[Row], page: Page) -> list[Data]:
    """Rows from top to bottom, each followed by its panels, or holding them where it is folded."""
    numbers = normal.ids([key for row in rows for key in (conventions.row_key(row.key), *(one.key for one in row.panels))])
    found: list[Data] = []
    y = 0
    for row in rows:
        placed = list(_places(row.panels, y + 1))
        inner = [panel(one, numbers[one.key], place, page) for one, place in zip(row.panels, placed, strict=True)]
        found.append(normal.row(g.RowPanel(
            id=numbers[conventions.row_key(row.key)], title=encode.grafana_text(row.title), collapsed=row.folded,
            gridPos=g.GridPos(1, _WIDTH, 0, y)), inner if row.folded else []))
        found += [] if row.folded else inner
        y = y + 1 if row.folded else max((place[0] + place[3] for place in placed), default=y + 1)
    return found


def _places(panels: Sequence[Panel], y: int) -> Iterable[tuple[int, int, int, int]]:
    """Height, width, x and y of each panel in reading order; lines are as wide as the page and as high as their highest."""
    for line in _lines(panels):
        height, wished = max(HEIGHTS[one.chart] for one in line), sum(one.width for one in line)
        ends = [_WIDTH * sum(one.width for one in line[:count]) // wished for count in range(len(line) + 1)]
        yield from ((height, end - start, start, y) for start, end in pairwise(ends))
        y += height


def _lines(panels: Sequence[Panel]) -> list[list[Panel]]:
    """As few lines as there can be, with about as many panels in each: two and two instead of three and one."""
    ways = [_wrapped(panels, limit) for limit in range(_WIDTH, 0, -1)]
    fewest = [way for way in ways if len(way) == len(ways[0])]
    return min(fewest, key=lambda way: max(map(len, way), default=0) - min(map(len, way), default=0))


def _wrapped(panels: Sequence[Panel], limit: int) -> list[list[Panel]]:
    lines = list[list[Panel]]()
    for one in panels:
        if lines and sum(each.width for each in lines[-1]) + one.width <= limit:
            lines[-1].append(one)
        else:
            lines.append([one])
    return lines
