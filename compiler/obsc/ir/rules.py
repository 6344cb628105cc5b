"""Series that are recorded, conditions that somebody should know about, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from obsc.ir.values import Labels, Origin, Severity, Text
from obsc.promql import Expr, Selector

RECORDINGS = "recordings"  # the group of series that stand alone


class Recorded(StrEnum):
    """Series that are recorded for every service, whatever it runs; each has its namespace, service and team.

    `SERVICE` is 1 and has the uid of the service's page as label `dashboard`. So is `MODEL`, for each model of which more is
    known than its name: labels `model`, `model_version` and `provider` (who makes or serves it, as `gen_ai.provider.name`).
    """

    SERVICE = "ai:service:info"
    REQUESTS = "ai:requests:rate"
    ERRORS = "ai:request_errors:rate"
    MODEL = "ai:model:info"


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """A series that is computed once and used often. Rules of one `group` are computed one after another, every `pace`
    seconds if that is slower than the platform's own.
    """

    name: str
    expr: Expr
    labels: Labels
    origin: Origin
    group: str = RECORDINGS
    pace: float = 0


@dataclass(frozen=True, slots=True)
class AlertRule:
    """A condition that somebody should know about. `hold` and `keep` in seconds.

    `signal` and `kind` (availability, errors, latency, saturation, telemetry…) say what an alert is about:
    graver alerts of the same signal silence lighter ones. `panel` is the key of the panel that shows it;
    `copied` are labels that get the value of a label of the series: (label, the series').
    """

    name: str
    expr: Expr
    hold: float
    keep: float
    severity: Severity
    signal: str
    kind: str
    summary: Text
    description: Text
    impact: str
    checks: tuple[str, ...]
    labels: Labels
    panel: str
    origin: Origin
    team: str = ""
    copied: Labels = ()


@dataclass(frozen=True, slots=True)
class AlertTest:
    """Whether an alert, found by `shown` (its firing samples), fires `at` seconds after the first value of the series.

    `series` are selectors with values `interval` seconds apart, in the notation `1+2x3` of growing series.
    """

    name: str
    alert: str
    shown: Selector
    series: tuple[tuple[Selector, str], ...]
    interval: float
    at: float
    fires: bool


@dataclass(frozen=True, slots=True)
class Route:
    """Where alerts of a team's service with this severity go."""

    team: str
    severity: Severity
    receivers: tuple[str, ...]
