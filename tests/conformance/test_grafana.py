"""Dashboards against Grafana's own types, and the fleet's numbers against a real Prometheus."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance import checks, tools
from conformance.checks import Verdict
from conformance.records import Consumers
from grafana_model import panels
from obsc import pipeline, promql
from obsc.diagnostics import Sink
from obsc.targets import _fleet

Tool = Callable[[str], Path]
SPECS = Path(__file__).parents[2] / "specs"
MODEL = Path(__file__).parent / "modules/grafana/model.ts"


@pytest.fixture(scope="module")
def boards() -> Mapping[str, Any]:
    """The dashboards of the shipped specifications, by path."""
    sink = Sink()
    compiled = pipeline.compile_specs(pipeline.read(pipeline.find_specs([SPECS], sink), sink), sink)
    return {path: json.loads(raw) for path, raw in compiled.tree.items() if path.endswith("/dashboard.json")}


def checked(schema: Path, folder: Path, dashboards: Mapping[str, Any]) -> Verdict:
    """What TypeScript says of dashboards, written as literals: a key that a type does not have is an error there."""
    lines = ["import type { Custom, Options, Page } from './model';"]
    for name, data in enumerate(dashboards.values()):
        lines.append(f"export const page{name}: Page = {json.dumps(data, indent=1)};")
        for one in panels(data):
            kind, custom = json.dumps(one["type"]), one["fieldConfig"]["defaults"].get("custom")
            lines.append(f"export const options{len(lines)}: Options[{kind}] = {json.dumps(one['options'])};")
            if custom is not None:
                lines.append(f"export const custom{len(lines)}: Custom[{kind}] = {json.dumps(custom)};")
    (folder / "model.ts").write_text(MODEL.read_text())
    (folder / "dashboards.ts").write_text("\n".join(lines))
    package = schema / "node_modules/@grafana/schema"
    (folder / "tsconfig.json").write_text(json.dumps({"files": ["dashboards.ts"], "compilerOptions": {
        "strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "types": [],
        "skipLibCheck": True, "paths": {
            "@grafana/schema": [str(package / "dist/types/index.d.ts")],
            "@panel/*": [str(package / "dist/types/raw/composable/*/panelcfg/x/types.gen.d.ts")]}}}))
    return checks.run("node", schema / "node_modules/typescript/lib/tsc.js", "-p", folder)


def test_dashboards_fit_grafanas_own_types(boards: Mapping[str, Any], tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    schema = tool(tools.SCHEMA)
    assert len(boards) >= 4
    checked(schema, tmp_path, boards).require()
    consumers.record("tsc with @grafana/schema", tools.version(tools.SCHEMA), len(boards))


@pytest.mark.parametrize(("right", "wrong"), [
    ('"unit":', '"unt":'), ('"w": 24', '"w": "24"'), ('"value": null', '"value": "null"'), ('"colorMode": "value"', '"colorMode": "v"'),
    ('"mode": "absolute"', '"mode": "absolut"'), ('"drawStyle":', '"drawstyle":'), ('"asDropdown":', '"dropdown":'),
])
def test_grafanas_types_refuse_a_dashboard_that_is_broken(
        right: str, wrong: str, boards: Mapping[str, Any], tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    text = json.dumps(next(iter(boards.values())))
    assert right in text
    said = checked(tool(tools.SCHEMA), tmp_path, {"broken": json.loads(text.replace(right, wrong))})
    consumers.record("tsc with @grafana/schema", tools.version(tools.SCHEMA), 0, said.refusal("error TS"))


# Two services: one with traffic, errors and a dead target, one of which nothing is left but its rules and its alert.
SERIES = """\
      - {series: 'ai:service:info{namespace="n",service="busy",team="t",dashboard="busy-1"}', values: '1x20'}
      - {series: 'ai:service:info{namespace="n",service="gone",team="t",dashboard="gone-1"}', values: '1x20'}
      - {series: 'ai:service:info{namespace="n",service="gone",team="t",dashboard="gone-2"}', values: '1x20'}
      - {series: 'up{namespace="n",service="busy",instance="a"}', values: '1x20'}
      - {series: 'up{namespace="n",service="busy",instance="b"}', values: '0x20'}
      - {series: 'up{namespace="n",instance="of nobody"}', values: '0x20'}
      - {series: 'ai:requests:rate{namespace="n",service="busy",team="t"}', values: '8x20'}
      - {series: 'ai:request_errors:rate{namespace="n",service="busy",team="t"}', values: '2x20'}
      - {series: 'ALERTS{alertname="ServiceDown",alertstate="firing",namespace="n",service="gone",team="t",severity="critical"}', values: '1x20'}
      - {series: 'ALERTS{alertname="TargetDown",alertstate="pending",namespace="n",service="busy",team="t",severity="warning"}', values: '1x20'}
"""
# Values by service, or of the one number.
EXPECTED = {
    "critical": {"": 1}, "warnings": {"": 0}, "down": {"": 1}, "services": {"": 2}, "requests": {"": 8}, "errors": {"": 0.25},
    "table A": {"busy": 0, "gone": 1}, "table B": {"busy": 0, "gone": 0}, "table C": {"busy": 0.5, "gone": 0},
    "table D": {"busy": 8}, "table E": {"busy": 0.25},
}


def fleet() -> Mapping[str, str]:
    """The expressions of the fleet's page with everything chosen, by panel, and by column of the table."""
    found = {}
    for row in _fleet.dashboard("prod").rows:
        for one in row.panels:
            for letter, query in zip("ABCDE", one.queries, strict=False):
                text = promql.show(query.expr).replace("$namespace", ".+").replace("$team", ".+")
                found[one.key if len(one.queries) == 1 else f"{one.key} {letter}"] = text
    return found


def test_the_fleets_numbers_are_right_even_of_a_service_that_is_gone(tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    queries = fleet()
    assert queries.keys() == EXPECTED.keys()
    lines = ["tests:", "  - interval: 1m", "    input_series:", SERIES.rstrip(), "    promql_expr_test:"]
    for name, expr in queries.items():
        lines += [f"      - expr: {json.dumps(labels_of(name, expr))}", "        eval_time: 10m", "        exp_samples:"]
        lines += [f"          - {{labels: '{labels(name, service)}', value: {value}}}" for service, value in EXPECTED[name].items()]
    test = tmp_path / "fleet.yaml"
    test.write_text("\n".join(lines))
    checks.promtool_test_rules(tool("promtool"), [test]).require()
    consumers.record("promtool test rules", tools.version("promtool"), 1)


def labels_of(name: str, expr: str) -> str:
    """The expression; of the table without the page, of which a service may have several."""
    return f"max by (namespace, service, team) ({expr})" if name.startswith("table") else expr


def labels(name: str, service: str) -> str:
    """Labels of an expected sample."""
    return f'{{namespace="n", service="{service}", team="t"}}' if name.startswith("table") else "{}"
