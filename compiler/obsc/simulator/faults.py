"""What each kind of fault does to a pod, its engines, its devices and its scrapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from obsc.simulator.scenario import Fault, Pool


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault: what it is, how much by default, whether the first replica has it or all have."""

    text: str
    value: float
    one: bool = False


KINDS: Mapping[str, Kind] = {
    "total-outage": Kind("no pod answers, and none is ready", 0),
    "targets-gone": Kind("all pods are gone, and with them the targets", 0),
    "replica-lost": Kind("a pod is gone, and its successor finds no node", 0, one=True),
    "gpu-lost": Kind("a device falls off the bus: its series end, and the pod that had it hangs", 0, one=True),
    "xid": Kind("a device reports an XID error of this number, once; nothing else happens", 48, one=True),
    "engine-stall": Kind("the engine hangs while the pod answers: nothing moves, requests gather", 0, one=True),
    "slow-first-token": Kind("prompts take this many times as long", 25),
    "slow-tokens": Kind("tokens take this many times as long", 6),
    "error-burst": Kind("this share of requests fails", 0.5),
    "error-trickle": Kind("this share of requests fails", 0.02),
    "queue-build-up": Kind("this many times as many requests come in as can be worked on", 1.3),
    "kv-thrash": Kind("the cache is full: this many running requests a second give up their blocks", 0.5),
    "oom": Kind("the container is killed for want of memory, and again this many seconds after it is back", 900, one=True),
    "crash-loop": Kind("the program ends this many seconds after each start", 5, one=True),
    "memory-leak": Kind("memory grows to nearly the limit within this many seconds", 3600, one=True),
    "throttled-gpu": Kind("devices are hot and run at this share of their clock", 0.5, one=True),
    "traffic-vanishes": Kind("no requests come any more", 0),
    "traffic-spike": Kind("this many times as many requests come", 4),
    "metric-renamed": Kind("a metric has another name from now on", 0),
    "scrape-flapping": Kind("this share of scrapes fails; the pod is well", 0.5, one=True),
    "counter-resets": Kind("counters begin anew every so many seconds", 300, one=True),
    "quality-drop": Kind("answers are judged worse by this much", 0.12),
    "drift": Kind("inputs are this many times as far from the training data", 5),
    "feedback-drop": Kind("users like this much less", 0.3),
    "cost-runaway": Kind("prompts are this many times as long, and so is the bill", 6),
}


@dataclass(frozen=True, slots=True)
class Effects:
    """What is wrong with one pod at one time; the defaults are those of a healthy one."""

    failing: float = 0.0
    prefill: float = 1.0
    token: float = 1.0
    overload: float = 0.0
    preempted: float = 0.0
    stalled: bool = False
    clock: float = 1.0
    lost_device: bool = False
    xid: float = 0.0
    silent: bool = False
    gone: bool = False
    unscheduled: bool = False
    killed_every: float = 0.0
    ends_after: float = 0.0
    leak: float = 0.0
    misses: float = 0.0
    resets_every: float = 0.0
    quality: float = 0.0
    drift: float = 1.0
    liked: float = 0.0
    prompt: float = 1.0
    since: float = 0.0


HEALTHY = Effects()
# Kinds that change one number: the field that has the fault's value.
_FIELDS = {"slow-first-token": "prefill", "slow-tokens": "token", "error-burst": "failing", "error-trickle": "failing",
           "queue-build-up": "overload", "kv-thrash": "preempted", "oom": "killed_every", "crash-loop": "ends_after",
           "throttled-gpu": "clock", "scrape-flapping": "misses", "counter-resets": "resets_every",
           "quality-drop": "quality", "drift": "drift", "feedback-drop": "liked", "cost-runaway": "prompt", "xid": "xid"}
# Kinds that are there or not.
_FLAGS = {"total-outage": ("silent",), "targets-gone": ("gone",), "replica-lost": ("gone", "unscheduled"),
          "gpu-lost": ("lost_device", "stalled"), "engine-stall": ("stalled",)}


def hits(fault: Fault, pool: Pool, replica: int) -> bool:
    """Whether a fault is one of this pod."""
    if fault.component and fault.component != pool.component:
        return False
    wanted = fault.replica if fault.replica is not None else 0 if KINDS[fault.kind].one else None
    return wanted is None or wanted == replica


def size(fault: Fault) -> float:
    """How much of it there is."""
    return KINDS[fault.kind].value if fault.value is None else fault.value


def effects(faults: Iterable[Fault], time: float) -> Effects:
    """What these faults of a pod do together at a time. An XID stays told when the fault is over: so it is with the device."""
    found = HEALTHY
    for fault in faults:
        if fault.is_on(time):
            found = _with(found, fault, time)
        elif fault.kind == "xid" and time >= fault.end:
            found = replace(found, xid=size(fault), since=time - fault.start)
    return found


def _with(found: Effects, fault: Fault, time: float) -> Effects:
    value, since = size(fault), time - fault.start
    changed: dict[str, Any] = dict.fromkeys(_FLAGS.get(fault.kind, ()), True)
    if fault.kind in _FIELDS:
        changed[_FIELDS[fault.kind]] = value
    elif fault.kind == "memory-leak":
        changed["leak"] = min(1.0, since / value)
    return replace(found, since=since, **changed) if changed else found
