"""An alert's numbers: as they are by default, and after the spec was heard."""

from __future__ import annotations

from dataclasses import dataclass

from obsc.ir import Origin, Severity
from obsc.resolve import Resolved
from obsc.source import Path
from obsc.spec.types import Quantity

# Scrapes that flap must not resolve and raise an alert in turn; tickets are patient.
_KEEP = {Severity.CRITICAL: 300.0, Severity.WARNING: 900.0, Severity.INFO: 0.0}


@dataclass(frozen=True, slots=True)
class Default:
    """An alert as it is before the spec says anything. `threshold` in seconds, as a ratio, or a bare number.

    `enabled` says whether it applies by itself; `kind` of its threshold is duration, ratio or number. `needs` says what a spec
    without it lacks, where families are silent about that.
    """

    name: str
    severity: Severity
    hold: float
    threshold: float = 0.0
    kind: str = "number"
    enabled: bool = True
    needs: str = "it does not apply to this service"


@dataclass(frozen=True, slots=True)
class Wish:
    """Whether an alert is wanted, why in words, and the path of the key that says so (empty: nobody does)."""

    on: bool
    reason: str
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """An alert's numbers after the spec was heard. `hold` and `keep` in seconds."""

    name: str
    severity: Severity
    hold: float
    keep: float
    threshold: float
    quantile: float | None
    team: str
    origin: Origin


def wish(resolved: Resolved, default: Default) -> Wish:
    """Whether an alert is wanted, by the spec or by itself. Whoever gives an alert numbers wants it; what a platform or a profile
    says of it, but for a threshold, is for services that have it.
    """
    path = ("alerts", "rules", default.name)
    rule = resolved.service.alerts.rules.get(default.name)
    if rule is not None and rule.enabled is not None:
        return Wish(rule.enabled, f"switched {'on' if rule.enabled else 'off'}", (*path, "enabled"))
    if rule is not None and rule.threshold is not None:
        return Wish(True, "it has a threshold", (*path, "threshold"))
    if rule is not None and not resolved.origins.layer(path).startswith(("profile", "platform")):
        return Wish(True, "it has numbers of its own", path)
    return Wish(True, "built-in default") if default.enabled else Wish(False, "off by default")


def settle(resolved: Resolved, default: Default) -> Settings | None:
    """What holds for an alert, or None if it is off."""
    rule = resolved.service.alerts.rules.get(default.name)
    if not wish(resolved, default).on:
        return None
    wanted = Severity(rule.severity) if rule is not None and rule.severity else default.severity
    severity = _capped(resolved, wanted)
    team = resolved.service.metadata.team
    # Two evaluations at least: a single odd sample must not decide.
    usual = max(default.hold, 2 * resolved.platform.prometheus.evaluation_interval) if default.hold else 0.0
    if rule is None:
        return Settings(default.name, severity, usual, _KEEP[severity], default.threshold, None, team,
                        Origin(default.name, "built-in"))
    return Settings(
        default.name, severity, hold=rule.for_ if rule.for_ is not None else usual,
        keep=rule.keep_firing_for if rule.keep_firing_for is not None else _KEEP[severity],
        threshold=_value(rule.threshold, default.threshold, default.kind), quantile=rule.quantile, team=rule.team or team,
        origin=resolved.origins.origin("alerts", "rules", default.name))


def own_settings(resolved: Resolved, name: str, wanted: Severity, hold: float, team: str | None, origin: Origin) -> Settings:
    """An alert of the service's own, with numbers that the spec gives whole."""
    severity = _capped(resolved, wanted)
    return Settings(name, severity, hold, _KEEP[severity], 0.0, None, team or resolved.service.metadata.team, origin)


def _capped(resolved: Resolved, severity: Severity) -> Severity:
    """No louder than the platform lets the team be."""
    team = resolved.platform.alertmanager.teams.get(resolved.service.metadata.team)
    highest = Severity(team.max_severity) if team is not None else Severity.CRITICAL
    return min(severity, highest, key=lambda one: one.loudness)


def _value(said: Quantity | None, default: float, kind: str) -> float:
    if said is None:
        return default
    if kind == "ratio" and said.kind == "number" and said.value > 1:
        return said.value / 100
    return said.value
