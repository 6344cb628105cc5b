"""What the page about all services asks for is what every service records."""

from __future__ import annotations

from pathlib import Path

from obsc import inputs, pipeline
from obsc.diagnostics import Sink
from obsc.ir import Recorded
from obsc.promql import Selector, walk
from obsc.targets import _fleet

# Of Prometheus itself, for every target and every rule.
GIVEN = {"up", "ALERTS"}


def compiled(root: Path) -> pipeline.Compiled:
    sink = Sink()
    return pipeline.compile_specs(inputs.gather([root / "specs"], sink), sink)


def asked() -> set[str]:
    exprs = [query.expr for row in _fleet.dashboard("prod").rows for panel in row.panels for query in panel.queries]
    return {str(part.metric) for expr in exprs for part in walk(expr) if isinstance(part, Selector)}


def test_every_service_records_what_the_fleets_page_asks_for(root: Path) -> None:
    services = compiled(root).services
    assert len(services) >= 4
    for service in services:
        recorded = {rule.name: dict(rule.labels) for rule in service.recordings}
        assert asked() - GIVEN <= set(recorded)
        assert all({"namespace", "service", "team"} <= set(labels) for labels in recorded.values())
        assert recorded[Recorded.SERVICE]["dashboard"] == service.dashboard.uid


def test_the_fleets_page_asks_for_all_that_every_service_records() -> None:
    # Models are recorded only where a spec says more of them than their names.
    assert asked() == GIVEN | {name.value for name in Recorded} - {Recorded.MODEL.value}
