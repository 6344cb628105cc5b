"""A scenario, step by step: load finds pods, pods work, what goes wrong goes wrong at its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import pi, sin

from obsc.simulator import pods, queueing
from obsc.simulator.chance import Dice
from obsc.simulator.faults import Effects, effects, hits, size
from obsc.simulator.pods import Pod
from obsc.simulator.queueing import Conditions, Stream
from obsc.simulator.scenario import DAY, WEEK, Capacity, Fault, Load, Pool, Scenario

_BEHIND = ("server", "decode")
_HANDOVER = 0.02  # seconds in which a decode server gets what a prefill server has read
_MONDAY = 4 * DAY  # the first one after the beginning of Unix time was its fifth day


@dataclass(slots=True)
class World:
    """All pods at one time; `time` in seconds since the beginning. Figures are those of the step that ends now."""

    scenario: Scenario
    pods: list[list[Pod]]
    time: float = 0.0
    dice: Dice = field(init=False)

    def __post_init__(self) -> None:
        self.dice = Dice(self.scenario.seed, "arrivals", steady=self.scenario.load.steady)

    @property
    def every(self) -> Iterator[Pod]:
        """Every pod."""
        return (pod for group in self.pods for pod in group)


def run(scenario: Scenario, until: float) -> Iterator[World]:
    """The world at 0, one step later, and so on up to `until`. It is one object: look before you go on."""
    world = World(scenario, [pods.found(scenario, pool) for pool in scenario.pools])
    count = 0
    while count * scenario.step <= until:
        world.time = count * scenario.step
        _advance(world)
        yield world
        count += 1


def rate(load: Load, began: float, time: float) -> float:
    """Requests a second that are expected at a time, faults aside."""
    clock = began + time
    daily = 1 + load.daily * sin(2 * pi * ((clock - load.peak) / DAY + 0.25))
    is_weekend = (clock - _MONDAY) % WEEK >= 5 * DAY
    return load.rate * max(0.0, daily) * (1 - load.weekly if is_weekend else 1)


def _advance(world: World) -> None:
    scenario = world.scenario
    for pod in world.every:
        pods.live(pod, scenario, world.time, effects(_of(scenario, pod.pool, pod.index, ""), world.time))
    coming = rate(scenario.load, scenario.began, world.time) * _surge(scenario, world.time)
    gates = _with_role(world, "gateway")
    inner = coming if not gates or any(pod.is_ready for pod in gates) else 0.0
    for role in ("prefill", "server", "decode", "dependency"):
        _serve(world, _with_role(world, role), inner)
    _relay(world, gates, coming)
    for pod in world.every:
        pods.consume(pod, world.time, scenario.step)


def _surge(scenario: Scenario, time: float) -> float:
    """How many times as many requests come as usual."""
    found = 1.0
    for fault in scenario.faults:
        if fault.is_on(time) and fault.kind in {"traffic-vanishes", "traffic-spike"}:
            found *= size(fault)
    return found


def _of(scenario: Scenario, pool: Pool, replica: int, model: str) -> list[Fault]:
    """Faults of a pod, or of one of its models: those of one model spare the rest of the pod."""
    return [fault for fault in scenario.faults if fault.model in {"", model} and hits(fault, pool, replica)]


def _with_role(world: World, role: str) -> list[Pod]:
    return [pod for group in world.pods for pod in group if pod.pool.role == role]


def _serve(world: World, found: list[Pod], coming: float) -> None:
    ready = [pod for pod in found if pod.is_ready]
    # A Service sends a program no more than its share of what comes, but nobody else's pool takes part in it either.
    for pod in found:
        for stream in pod.streams:
            share = _share(pod.pool, stream) / pod.pool.engines / len(ready) if pod in ready else 0.0
            _step(world, pod, stream, coming * share)


def _share(pool: Pool, stream: Stream) -> float:
    whole = sum(model.share for model in pool.models) or 1.0
    return next(model.share for model in pool.models if model.name == stream.model) / whole


def _step(world: World, pod: Pod, stream: Stream, expected: float) -> None:
    scenario = world.scenario
    if not pod.runs or not (pod.is_up or pod.state.silent):
        stream.observed.clear()
        stream.delta.clear()
        return
    arrivals = stream.dice.events(expected * scenario.step, "arrivals")
    able, load = _part(pod.pool.role, pod.pool.able, scenario.load)
    queueing.advance(stream, arrivals, expected, Conditions(able, load, _state(world, pod, stream), scenario.step))


@lru_cache(maxsize=64)
def _part(role: str, able: Capacity, load: Load) -> tuple[Capacity, Load]:
    """A pod's part of a request: a prefill server gives the first token only, a decode server takes what is read over from it."""
    if role == "prefill":
        return able, replace(load, lengths=replace(load.lengths, answer=1.0))
    return (replace(able, prefill=_HANDOVER), load) if role == "decode" else (able, load)


def _state(world: World, pod: Pod, stream: Stream) -> Effects:
    """A pod's effects, and those of faults of this model only."""
    if not any(fault.model for fault in world.scenario.faults):
        return pod.state
    return effects(_of(world.scenario, pod.pool, pod.index, stream.model), world.time)


def _relay(world: World, gates: list[Pod], coming: float) -> None:
    ready = [pod for pod in gates if pod.is_ready]
    behind = [pod for role in _BEHIND for pod in _with_role(world, role)]
    live = [pod for pod in behind if pod.is_ready]
    hanging = sum(pod.state.stalled for pod in live) / len(live) if live else 1.0
    for pod in gates:
        for stream in pod.streams:
            served = [one for other in behind for one in other.streams if one.model == stream.model or len(other.pool.models) == 1]
            share = 1 / len(ready) / pod.pool.engines if pod in ready else 0.0
            expected = coming * share * _share(pod.pool, stream)
            arrivals = stream.dice.events(expected * world.scenario.step, "arrivals")
            split = share * (_share(pod.pool, stream) if len(pod.pool.models) > 1 and not _tells(served, stream) else 1.0)
            under = Conditions(pod.pool.able, world.scenario.load, pod.state, world.scenario.step)
            queueing.relay(stream, arrivals, served, split, hanging, under)


def _tells(served: list[Stream], stream: Stream) -> bool:
    return all(one.model == stream.model for one in served)
