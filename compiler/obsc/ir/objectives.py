"""Promises about a service, and how they are kept."""

from __future__ import annotations

from dataclasses import dataclass

from obsc.ir.values import Origin, Severity, Text
from obsc.promql import Expr


@dataclass(frozen=True, slots=True)
class Sli:
    """What is counted: bad events and all events, as rates per second over a range of raw samples.

    `bad` and `every` are expressions by their range in seconds (5m, 30m, 1h), with the labels `by`. Of what is judged by
    minutes and not by requests, `judged` is 1 where the number is bad, 0 where it is good, and there is nothing else.
    """

    by: tuple[str, ...]
    bad: tuple[tuple[float, Expr], ...] = ()
    every: tuple[tuple[float, Expr], ...] = ()
    judged: Expr | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """At least `target` (0 to 1) of the events of `window` seconds are good.

    `highest` is the most urgent alert that burning its budget may raise. `rate`: the requests per second that are
    expected, None if nobody said. `promise` says it in words, `model` where one alert speaks of each model.
    """

    name: str
    id: str
    sli: Sli
    target: float
    window: float
    highest: Severity
    rate: float | None
    promise: Text
    model: Text
    signal: str
    kind: str
    checks: tuple[str, ...]
    origin: Origin
