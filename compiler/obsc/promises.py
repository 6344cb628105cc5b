"""What a service promises: the objectives that its spec gives, else the usual ones of its runtime's class."""

from __future__ import annotations

from functools import lru_cache

from obsc.resolve import Resolved
from obsc.spec.objectives import Objective

# By name, the signal that an objective means.
IMPLIED = {"availability": "availability", "first-token": "timeToFirstToken", "inter-token": "interTokenLatency"}
_USUAL = {"llm": ({"name": "availability", "target": "99.5%"}, {"name": "first-token", "threshold": "1s", "target": "95%"})}
_OTHERS = ({"name": "availability", "target": "99.5%"},)


def promises(resolved: Resolved) -> tuple[Objective, ...]:
    """The objectives of a service; those that are switched off are not among them."""
    said = resolved.service.objectives
    return tuple(one for one in (_usual(resolved.profile.kind) if said is None else said) if one.enabled)


def signal_of(objective: Objective) -> str:
    """The signal that an objective is about, "" where its numbers come from elsewhere."""
    if objective.metric or objective.sli or objective.indicator:
        return ""
    return objective.signal or IMPLIED.get(objective.name, "")


def promised(resolved: Resolved, signal: str) -> bool:
    """Whether an objective watches a signal, so that no other alert need do so."""
    return any(signal_of(one) == signal for one in promises(resolved))


@lru_cache(maxsize=8)
def _usual(kind: str) -> tuple[Objective, ...]:
    return tuple(Objective.model_validate(one) for one in _USUAL.get(kind, _OTHERS))
