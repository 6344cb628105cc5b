"""The expressions of a spec, each with its place and how it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from obsc.resolve import Resolved
from obsc.source import Path


class Written(NamedTuple):
    """An expression. `alert`: it decides on an alert, with the service's selector added if `scope`. Of a `counter`, and of counters that
    are `summed`, rate and sum are added too.
    """

    path: Path
    text: str
    alert: bool = False
    scope: bool = True
    counter: bool = False
    summed: bool = False

    @property
    def part(self) -> bool:
        """Whether it is only a part of what is compared."""
        return self.counter or self.summed


def texts(resolved: Resolved) -> Iterator[Written]:
    """Every expression of a component: what is of the whole service belongs to its first."""
    service = resolved.service
    for index, alert in enumerate(service.alerts.custom):
        yield Written(("alerts", "custom", index, "expr"), alert.expr, alert=True, scope=alert.scope)
    if not resolved.first:
        return
    for index, one in enumerate(service.indicators):
        if one.value is not None:
            yield Written(("indicators", index, "value"), one.value)
        if one.ratio is not None:
            yield Written(("indicators", index, "ratio", "numerator"), one.ratio.numerator, counter=True)
            yield Written(("indicators", index, "ratio", "denominator"), one.ratio.denominator, counter=True)
    for index, said in enumerate(service.objectives or ()):
        if said.sli is not None and said.enabled:
            yield Written(("objectives", index, "sli", "errors"), said.sli.errors, summed=True)
            yield Written(("objectives", index, "sli", "total"), said.sli.total, summed=True)
    for index, panel in enumerate(service.dashboards.panels):
        yield Written(("dashboards", "panels", index, "expr"), panel.expr)
