"""Which alerts a service has, which it has not, and why: as the places decided that make them or leave them out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from obsc.diagnostics import Place
from obsc.ir import AlertRule, Service
from obsc.resolve import Resolved
from obsc.rules.alerts import ALERTS, reason_left_out
from obsc.signals.settings import wish


@dataclass(frozen=True, slots=True)
class Verdict:
    """An alert, why it is there or not, and the place that says so (None: nobody wrote it). `rules` are empty where it is off."""

    alert: str
    reason: str
    place: Place | None
    rules: tuple[AlertRule, ...]

    @property
    def on(self) -> bool:
        """Whether it is there."""
        return bool(self.rules)


def verdicts(resolved: Resolved, service: Service) -> tuple[Verdict, ...]:
    """Every alert that is known, and every one of the spec's own, in the order of their names. Both are of one component."""
    return tuple(sorted((*_built_in(resolved, service), *_own(resolved, service)), key=lambda one: one.alert))


def _built_in(resolved: Resolved, service: Service) -> Iterator[Verdict]:
    for name, default in ALERTS.items():
        said = wish(resolved, default)
        rules = tuple(rule for rule in service.alerts if rule.name == name)
        # What is switched off may lack something too: that would be said if it were switched on.
        if rules or (said.path and not said.on):
            yield Verdict(name, said.reason, resolved.origins.place(said.path) if said.path else None, rules)
        else:
            yield Verdict(name, reason_left_out(name, service), None, rules)


def _own(resolved: Resolved, service: Service) -> Iterator[Verdict]:
    for number, said in enumerate(resolved.service.alerts.custom):
        rules = tuple(rule for rule in service.alerts if rule.name == said.name)
        reason = "the spec's own" if rules else "switched off"
        yield Verdict(said.name, reason, resolved.origins.place(("alerts", "custom", number, "name")), rules)
