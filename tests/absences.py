"""What MetricMissing watches, as its rule says it."""

from __future__ import annotations

from collections.abc import Iterable

from obsc import promql
from obsc.ir import AlertRule


def absences(alerts: Iterable[AlertRule]) -> dict[str, promql.Expr]:
    """By the value of the label `metric`, when it is missed."""
    found = (part for rule in alerts if rule.name == "MetricMissing" for part in promql.walk(rule.expr))
    calls = [part for part in found if isinstance(part, promql.Call) and part.function == "label_replace"]
    named = [(call.args[2].value, call.args[0]) for call in calls if isinstance(call.args[2], promql.Quoted)]
    assert len(named) == len(calls) == len(dict(named))
    return dict(named)
