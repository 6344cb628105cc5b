"""Everything about one service."""

from __future__ import annotations

from dataclasses import dataclass

from obsc.ir.dashboards import Dashboard
from obsc.ir.objectives import Objective
from obsc.ir.rules import AlertRule, AlertTest, RecordingRule, Route
from obsc.ir.telemetry import LogInput, ProbeJob, ScrapeJob, TracePolicy
from obsc.ir.values import Identity, Labels, Link


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is observed of one service in one environment: what targets turn into artifacts.

    `parts` are its components, each as a service of its own, where there are several. `namespaces` are those of its objects by
    name or glob.
    """

    identity: Identity
    team: str
    description: str
    runtime: str
    labels: Labels
    links: tuple[Link, ...]
    static_labels: Labels
    jobs: tuple[ScrapeJob, ...]
    recordings: tuple[RecordingRule, ...]
    alerts: tuple[AlertRule, ...]
    dashboard: Dashboard
    logs: tuple[LogInput, ...]
    traces: TracePolicy | None
    routes: tuple[Route, ...]
    omitted: tuple[tuple[str, str], ...] = ()
    parts: tuple[Service, ...] = ()
    probes: tuple[ProbeJob, ...] = ()
    namespaces: tuple[str, ...] = ()
    tests: tuple[AlertTest, ...] = ()
    objectives: tuple[Objective, ...] = ()

    @property
    def at_home(self) -> bool:
        """Whether its objects are in its own namespace and nowhere else."""
        return self.namespaces in {(), (self.identity.namespace,)}
