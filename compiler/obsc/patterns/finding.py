"""What is said against an expression, and what a judge must know of the service that it is for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from obsc.catalog.profile import Metric
from obsc.diagnostics import Severity


class Pattern(NamedTuple):
    """A finding without a place: the expression is the place."""

    code: str
    message: str
    hint: str
    severity: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True)
class Setting:
    """Where an expression stands.

    `facts` knows a metric by its name in an expression; `moved` whether its exporter's scrape renames the labels of the workload.
    `added`: labels that the scrape gives to its series, None where nobody knows them; `busy` whether it tells how busy a device is.
    `interval` and `kept` in seconds: between
    scrapes, and how long samples stay (0 for ever). `alert`: whether it decides on an alert. `several`: whether the service may
    have more than one replica.
    """

    facts: Callable[[str], Metric | None]
    moved: Callable[[str], bool] = lambda _: False
    added: Callable[[str], frozenset[str] | None] = lambda _: None
    busy: Callable[[str], bool] = lambda _: False
    interval: float = 0
    kept: float = 0
    alert: bool = False
    several: bool = False
    floats: bool = True
