"""Trace policies → the policies of tail sampling. Any of them that wants a trace keeps it.

Policies are grouped into classes by what they keep, and the usual class holds for every service that is in no other:
adding a service with the usual policy changes nothing, so the Collector, which cannot reload, is not restarted for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from obsc import conventions, encode
from obsc.ir import TracePolicy
from obsc.part import Part
from obsc.spec.platform import AIPlatform
from obsc.spec.traces import Sampling

Data = dict[str, object]
# A trace is judged this many seconds after its first span, at least; at most what memory can hold.
_LEAST_WAIT, _LONGEST_WAIT = 30.0, 600.0
# Seconds for the spans of a slow request to arrive after it ended.
_ARRIVAL = 10.0
_TRACES = 50000
# Decisions outlive traces, so that late spans share their fate; an order of magnitude above would be 100 MB.
_DECISIONS = 200000


@dataclass(frozen=True, slots=True)
class _Class:
    """What is kept: a share of all traces, those with errors, those slower than so many seconds."""

    baseline: float
    errors: bool
    slow: float | None

    @property
    def order(self) -> tuple[float, bool, float]:
        """Sort key."""
        return (self.baseline, self.errors, self.slow or 0.0)


def tail_sampling(parts: Sequence[Part], platform: AIPlatform) -> Data:
    """Configuration of the processor."""
    usual = _usual(platform)
    classes: dict[_Class, list[str]] = {}
    for part in parts:
        if part.traces is not None and _class(part.traces) != usual:
            who = [encode.ottl_service(part.namespaces, name) for name in part.traces.services]
            classes.setdefault(_class(part.traces), []).extend(who)
    special = sorted({who for members in classes.values() for who in members})
    policies = _policies("usual", usual, encode.ottl_none(special) if special else "")
    for one in sorted(classes, key=lambda each: each.order):
        name = conventions.sampling_class(one.baseline, errors=one.errors, slow=one.slow)
        policies += _policies(name, one, encode.ottl_any(sorted(classes[one])))
    return {"decision_wait": conventions.seconds(_wait((usual, *classes))), "num_traces": _TRACES,
            "decision_cache": {"sampled_cache_size": _DECISIONS, "non_sampled_cache_size": _DECISIONS}, "policies": policies}


def _usual(platform: AIPlatform) -> _Class:
    """What a service gets that says nothing: the platform's defaults over the language's, and what it enforces over both."""
    said: dict[str, object] = {}
    for layer in (platform.defaults, platform.enforced):
        traces = layer.get("traces")
        sampling = traces.get("sampling") if isinstance(traces, Mapping) else None
        said |= sampling if isinstance(sampling, dict) else {}
    try:
        found = Sampling.model_validate(said)
    except ValidationError:
        # Reported where specs are resolved; the language's own default is as good a class as any.
        found = Sampling()
    return _Class(found.baseline, found.keep_errors, found.slower_than)


def _class(policy: TracePolicy) -> _Class:
    return _Class(policy.baseline, policy.keep_errors, policy.slower_than)


def _wait(classes: Sequence[_Class]) -> float:
    """Seconds from a trace's first span to its judgement: the slowest request that counts must have ended."""
    slowest = max((one.slow or 0.0 for one in classes), default=0.0)
    return min(max(_LEAST_WAIT, math.ceil(slowest + _ARRIVAL)), _LONGEST_WAIT)


def _policies(name: str, one: _Class, who: str) -> list[Data]:
    found: list[Data] = []
    if one.errors:
        found.append({"name": conventions.policy(name, "errors"), "type": "status_code",
                      "status_code": {"status_codes": ["ERROR"]}})
    if one.slow is not None:
        found.append({"name": conventions.policy(name, "slow"), "type": "latency",
                      "latency": {"threshold_ms": round(one.slow * 1000)}})
    found.append({"name": conventions.policy(name, "baseline"), "type": "probabilistic",
                  "probabilistic": {"sampling_percentage": round(one.baseline * 100, 6)}})
    return [_of(who, policy) for policy in found] if who else found


def _of(who: str, policy: Data) -> Data:
    """A policy for traces in which one of these services took part."""
    name = str(policy["name"])
    services: Data = {"name": conventions.policy(name, "services"), "type": "ottl_condition",
                      "ottl_condition": {"error_mode": "ignore", "span": [encode.collector(who)]}}
    return {"name": name, "type": "and",
            "and": {"and_sub_policy": [services, {**policy, "name": conventions.policy(name, "rule")}]}}
