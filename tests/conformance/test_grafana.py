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
from obsc import inputs, pipeline, promql
from obsc.diagnostics import Sink
from obsc.targets import _fleet

Tool = Callable[[str], Path]
SPECS = Path(__file__).parents[2] / "specs"
MODEL = Path(__file__).parent / "modules/grafana/model.ts"


@pytest.fixture(scope="module")
def boards() -> Mapping[str, Any]:
    """The dashboards of the shipped specifications, by path."""
    sink = Sink()
    compiled = pipeline.compile_specs(inputs.gather([SPECS], sink), sink)
    return {path: json.loads(raw) for path, raw in compiled.tree.items() if path.endswith("/dashboard.json")}


def checked(schema: Path, folder: Path, dashboards: Mapping[str, Any]) -> Verdict:
    """What TypeScript says of dashboards, written as literals: a key that a type does not have is an error there.

    Each is a file of its own, by its name in the mapping.
    """
    (folder / "model.ts").write_text(MODEL.read_text())
    for name, data in dashboards.items():
        lines = ["import type { Custom, Options, Page } from './model';",
                 f"export const page: Page = {json.dumps(data, indent=1)};"]
        for one in panels(data):
            kind, custom = json.dumps(one["type"]), one["fieldConfig"]["defaults"].get("custom")
            lines.append(f"export const options{len(lines)}: Options[{kind}] = {json.dumps(one['options'])};")
            if custom is not None:
                lines.append(f"export const custom{len(lines)}: Custom[{kind}] = {json.dumps(custom)};")
        (folder / f"{name}.ts").write_text("\n".join(lines))
    package = schema / "node_modules/@grafana/schema"
    (folder / "tsconfig.json").write_text(json.dumps({"files": [f"{name}.ts" for name in dashboards], "compilerOptions": {
        "strict": True, "noEmit": True, "target": "es2022", "module": "esnext", "moduleResolution": "bundler", "types": [],
        "skipLibCheck": True, "paths": {
            "@grafana/schema": [str(package / "dist/types/index.d.ts")],
            "@panel/*": [str(package / "dist/types/raw/composable/*/panelcfg/x/types.gen.d.ts")]}}}))
    return checks.run("node", schema / "node_modules/typescript/lib/tsc.js", "-p", folder)


def test_dashboards_fit_grafanas_own_types(boards: Mapping[str, Any], tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    schema = tool(tools.SCHEMA)
    assert len(boards) >= 4
    checked(schema, tmp_path, {path.replace("/", "_"): data for path, data in boards.items()}).require()
    consumers.record("tsc with @grafana/schema", tools.version(tools.SCHEMA), len(boards))


BROKEN = {
    "unit": ('"unit":', '"unt":'), "grid": ('"w": 24', '"w": "24"'), "step": ('"value": null', '"value": "null"'),
    "color": ('"colorMode": "value"', '"colorMode": "v"'), "mode": ('"mode": "absolute"', '"mode": "absolut"'),
    "custom": ('"drawStyle":', '"drawstyle":'), "link": ('"asDropdown":', '"dropdown":'),
}


def test_grafanas_types_refuse_what_is_broken_on_purpose(
        boards: Mapping[str, Any], tool: Tool, consumers: Consumers, tmp_path: Path) -> None:
    text = json.dumps(boards["default/artifacts/ai-prod/support-chat/dashboard.json"])
    assert all(right in text for right, _ in BROKEN.values())
    said = checked(tool(tools.SCHEMA), tmp_path, {name: json.loads(text.replace(*change)) for name, change in BROKEN.items()})
    consumers.record("tsc with @grafana/schema", tools.version(tools.SCHEMA), 0, said.refusal("error TS"))
    assert [name for name in BROKEN if f"{name}.ts(" not in said.output] == []


# Three services: one with traffic, errors and a dead target, one of which nothing is left but its rules and its alert, and
# one at rest, which has no targets either.
SERIES = {
    'ai:service:info{namespace="n",service="busy",team="t",dashboard="busy-1"}': 1,
    'ai:service:info{namespace="n",service="gone",team="t",dashboard="gone-1"}': 1,
    'ai:service:info{namespace="n",service="gone",team="t",dashboard="gone-2"}': 1,
    'ai:service:info{namespace="n",service="rest",team="t",dashboard="rest-1"}': 1,
    'up{namespace="n",service="busy",instance="a"}': 1,
    'up{namespace="n",service="busy",instance="b"}': 0,
    'up{namespace="n",instance="of nobody"}': 0,
    'ai:requests:rate{namespace="n",service="busy",team="t"}': 8,
    'ai:request_errors:rate{namespace="n",service="busy",team="t"}': 2,
    'ALERTS{alertname="ServiceDown",alertstate="firing",namespace="n",service="gone",team="t",severity="critical"}': 1,
    'ALERTS{alertstate="pending",namespace="n",service="busy",team="t",severity="warning"}': 1,
}
# Values by service, or of the one number.
EXPECTED: Mapping[str, Mapping[str, float]] = {
    "critical": {"": 1}, "warnings": {"": 0}, "down": {"": 1}, "services": {"": 3}, "requests": {"": 8}, "errors": {"": 0.25},
    "table A": {"busy": 0, "gone": 1, "rest": 0}, "table B": {"busy": 0, "gone": 0, "rest": 0},
    "table C": {"busy": 0.5, "gone": 0},
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
    expected = {name: [{"labels": labels(name, service), "value": value} for service, value in values.items()]
                for name, values in EXPECTED.items()}
    test = tmp_path / "fleet.yaml"
    # JSON is YAML.
    test.write_text(json.dumps({"tests": [{
        "interval": "1m", "input_series": [{"series": name, "values": f"{value}x20"} for name, value in SERIES.items()],
        "promql_expr_test": [{"expr": of_services(name, expr), "eval_time": "10m", "exp_samples": expected[name]}
                             for name, expr in queries.items()]}]}))
    checks.promtool_test_rules(tool("promtool"), [test]).require()
    consumers.record("promtool test rules", tools.version("promtool"), 1)


def of_services(name: str, expr: str) -> str:
    """The expression; of the table without the page, of which a service may have several."""
    return f"max by (namespace, service, team) ({expr})" if name.startswith("table") else expr


def labels(name: str, service: str) -> str:
    """Labels of an expected sample."""
    return f'{{namespace="n", service="{service}", team="t"}}' if name.startswith("table") else "{}"
