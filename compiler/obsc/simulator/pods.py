"""The life of a pod: it starts, is ready, ends, is started again, is gone and has a successor; its memory and processor time."""

from __future__ import annotations

from dataclasses import dataclass, field

from obsc.simulator import devices
from obsc.simulator.chance import Dice
from obsc.simulator.devices import Device
from obsc.simulator.faults import HEALTHY, Effects
from obsc.simulator.queueing import Stream
from obsc.simulator.scenario import Pool, Scenario

_AGE = 2 * 86400.0  # of everything when the simulation begins
_REST, _FULL = 0.55, 0.97
_FIRST, _LONGEST = 10.0, 300.0  # the kubelet's delays before it starts a container again
_HANGS = 30.0       # until a readiness probe has failed often enough


@dataclass(slots=True)
class Pod:
    """One pod of a pool and the programs in it. Times count from the simulation's beginning."""

    pool: Pool
    index: int
    facts: dict[str, str]
    streams: list[Stream]
    devices: list[Device]
    dice: Dice
    created: float = -_AGE
    started: float = -_AGE
    generation: int = 0
    restarts: int = 0
    attempts: int = 0
    last_reason: str = ""
    last_ended: float = 0.0
    waits_until: float | None = None
    is_gone: bool = False
    is_ready: bool = True
    is_up: bool = True
    memory: float = 0.0
    cpu: float = 0.0
    periods: float = 0.0
    held_back: float = 0.0
    received: float = 0.0
    sent: float = 0.0
    epoch: int = 0
    state: Effects = field(default=HEALTHY)

    @property
    def runs(self) -> bool:
        """Whether its container runs."""
        return not self.is_gone and self.waits_until is None

    @property
    def answers(self) -> bool:
        """Whether its page can be had."""
        return self.runs and self.is_up


def found(scenario: Scenario, pool: Pool) -> list[Pod]:
    """The pods of a pool, all of them ready for days."""
    return [_pod(scenario, pool, index) for index in range(pool.replicas)]


def _pod(scenario: Scenario, pool: Pool, index: int) -> Pod:
    steady, key = scenario.load.steady, f"{scenario.namespace}/{pool.name}/{index}"
    node = f"gpu-node-{pool.name}-{index}"
    streams = [Stream(model.name, model.version, str(engine), Dice(scenario.seed, f"{key}/{model.name}/{engine}", steady=steady))
               for model in pool.models for engine in range(pool.engines)]
    parts = (0, 1) if scenario.partitioned else (None,)
    owned = [Device(devices.describe(node, gpu, part), Dice(scenario.seed, f"{key}/gpu{gpu}/{part}", steady=steady))
             for gpu in range(pool.gpus) for part in parts]
    return Pod(pool, index, _facts(scenario, pool, index, 0) | {"node": node}, streams, owned, Dice(scenario.seed, key, steady=steady))


def _facts(scenario: Scenario, pool: Pool, index: int, generation: int) -> dict[str, str]:
    key = sum(ord(letter) * 37 ** at for at, letter in enumerate(f"{scenario.namespace}{pool.name}")) % 255
    tail = "bcdfghjklmnpqrstvwxz"
    suffix = "".join(tail[(index * 7 + generation * 3 + at * 5 + key) % len(tail)] for at in range(5))
    template = "".join(tail[(key + at * 3) % len(tail)] for at in range(9))
    address = f"10.{key}.{generation}.{index + 10}"
    return {"namespace": scenario.namespace, "pod": f"{pool.name}-{template}-{suffix}", "deployment": pool.name,
            "template": f"{pool.name}-{template}", "container": pool.container, "component": pool.component, "ip": address,
            "node_ip": address, "instance": f"{address}:{pool.port}", "service": scenario.service,
            "uid": f"{key:08x}-0000-4000-8000-{generation:06x}{index:06x}", "cluster_id": f"{key:02x}{index:04x}"}


def live(pod: Pod, scenario: Scenario, time: float, state: Effects) -> None:
    """What happens to a pod in the step that ends now."""
    pod.state, step = state, scenario.step
    if state.gone:
        _leave(pod)
        return
    if pod.is_gone:
        _come(pod, scenario, time)
    if pod.waits_until is not None and time >= pod.waits_until:
        _start(pod, time)
    if state.ends_after:
        _fall(pod, time, state)
    elif state.killed_every and pod.runs and (state.since < step or time - pod.started - pod.pool.startup >= state.killed_every):
        pod.last_reason, pod.last_ended = "OOMKilled", time
        _start(pod, time)
    elif pod.runs and time - pod.started > pod.pool.startup + _LONGEST:
        pod.attempts = 0
    if state.resets_every and state.since % state.resets_every < step:
        for stream in pod.streams:
            stream.totals.clear()
        pod.epoch += 1
    has_begun = time - pod.started >= pod.pool.startup
    pod.is_up = pod.runs and has_begun and not state.silent
    pod.is_ready = pod.is_up and not (state.lost_device and state.since >= _HANGS)


def _leave(pod: Pod) -> None:
    if not pod.is_gone:
        _empty(pod)
    pod.is_gone, pod.is_up, pod.is_ready, pod.waits_until = True, False, False, None


def _come(pod: Pod, scenario: Scenario, time: float) -> None:
    pod.generation += 1
    pod.facts |= _facts(scenario, pod.pool, pod.index, pod.generation)
    pod.is_gone, pod.created, pod.started, pod.restarts, pod.attempts, pod.last_reason = False, time, time, 0, 0, ""
    pod.cpu = pod.periods = pod.held_back = pod.received = pod.sent = 0.0


def _start(pod: Pod, time: float) -> None:
    _empty(pod)
    pod.waits_until, pod.started = None, time
    pod.restarts += 1


def _fall(pod: Pod, time: float, state: Effects) -> None:
    """The program ends soon after each start; the kubelet waits twice as long each time."""
    if pod.runs and (state.since < 1e-9 or time - pod.started >= state.ends_after):
        _empty(pod)
        pod.last_reason, pod.last_ended = "Error", time
        pod.waits_until = time + min(_LONGEST, _FIRST * 2.0**pod.attempts)
        pod.attempts += 1


def _empty(pod: Pod) -> None:
    pod.epoch += 1
    for stream in pod.streams:
        stream.begin()


def consume(pod: Pod, time: float, step: float) -> None:
    """Memory, processor time and traffic of the pod, and its devices, after its engines did their step."""
    busy = max((stream.now.get("busy", 0.0) for stream in pod.streams), default=0.0) if pod.is_up else 0.0
    load = max((stream.now.get("load", 0.0) for stream in pod.streams), default=0.0)
    pod.memory = _memory(pod, time) * pod.pool.memory if pod.runs else 0.0
    cores = pod.pool.cores * (0.04 + 0.25 * busy + 0.15 * min(1.0, load)) if pod.runs else 0.0
    pod.cpu += cores * step
    pod.periods += 10 * step if pod.runs else 0.0
    pod.held_back += 0.1 * step if pod.runs else 0.0
    pod.received += sum(seen.count * seen.mean for stream in pod.streams for seen in stream.observed if seen.what == "bytes_in")
    pod.sent += sum(seen.count * seen.mean for stream in pod.streams for seen in stream.observed if seen.what == "bytes_out")
    for device in pod.devices:
        devices.advance(device, 0.0 if pod.state.stalled else busy, load, pod.state, step, is_used=pod.runs)


def _memory(pod: Pod, time: float) -> float:
    """Share of the limit. A container that will be killed again fills up until then."""
    age = time - pod.started
    if pod.state.killed_every and age >= pod.pool.startup:
        return _REST + (1 - _REST) * min(1.0, (age - pod.pool.startup) / pod.state.killed_every)
    grown = _REST + (_FULL - _REST) * pod.state.leak
    return pod.dice.around(grown, 0.002)
