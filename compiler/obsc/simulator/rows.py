"""Pods as rows of metrics: what their own programs say, and what the platform's exporters say of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from obsc.simulator import devices
from obsc.simulator.pages import Row, Rows
from obsc.simulator.pods import Pod
from obsc.simulator.queueing import Stream
from obsc.simulator.world import World

# Figures of which a pod has the largest of its engines; others add up.
_LARGEST = frozenset({"kv", "busy", "load", "hit_ratio", "quality", "drift", "liking", "whole_now", "queue_now", "batch_now",
                      "behind_waiting", "behind_running", "preempted_now"})
_RETIRED = 'retired "v1" \\ adapter'


def of_program(world: World, pod: Pod, needed: Collection[str]) -> Rows:
    """Rows of a pod's own page, as far as they are needed."""
    own, found = _figures(world, pod), dict[str, Sequence[Row]]()
    if "stream" in needed:
        streams = [_stream(pod, stream, own) for stream in pod.streams]
        found["stream"] = [*streams, _retired(pod)] if world.scenario.dirty else streams
    if "pod" in needed:
        found["pod"] = [Row(pod.facts, _added([stream.totals for stream in pod.streams]),
                            own | _joined([stream.now for stream in pod.streams]),
                            [seen for stream in pod.streams for seen in stream.observed])]
    if "gpu" in needed:
        found["gpu"] = list(_devices(pod, held=True))
    return found


def watched(pod: Pod) -> Rows:
    """The same as far as it gathers what is observed, at each step."""
    return {"stream": [Row({}, {}, {}, stream.observed) for stream in pod.streams],
            "pod": [Row({}, {}, {}, [seen for stream in pod.streams for seen in stream.observed])]}


def of_cluster(world: World, pods: Sequence[Pod]) -> Rows:
    """Rows of exporters that see all of these pods."""
    there = [pod for pod in pods if not pod.is_gone or pod.state.unscheduled or pod.state.gone]
    return {"pod": [_pod(world, pod) for pod in there], "container": [_container(world, pod) for pod in there],
            "deployment": list(_deployments(pods)), "node": [_node(world, pod) for pod in pods if not pod.is_gone],
            "cgroup": [_cgroup(world, pod) for pod in there if pod.runs],
            "network": [_cgroup(world, pod) for pod in there if not pod.is_gone],
            "gpu": [row for pod in pods for row in _devices(pod, held=pod.runs)]}


def _stream(pod: Pod, stream: Stream, own: Mapping[str, float]) -> Row:
    facts = pod.facts | {"model": stream.model, "version": stream.version, "engine": stream.engine}
    return Row(facts, stream.totals, {**own, **stream.now}, stream.observed)


def _retired(pod: Pod) -> Row:
    """A model that was unloaded: its counts stand where they stood, and nothing takes its series away."""
    counts = {what: 17.0 for stream in pod.streams for what in stream.totals}
    return Row(pod.facts | {"model": _RETIRED, "engine": "0", "version": "0"}, counts, {})


def _figures(world: World, pod: Pod) -> dict[str, float]:
    """What a program says of itself and its host."""
    clock, limit = world.scenario.began + world.time, pod.pool.memory
    behind = sum(one.is_ready for one in world.every if one.pool.role in {"server", "decode", "prefill"})
    return {"process_start": world.scenario.began + pod.started, "age": world.time - pod.started, "memory_used": float(round(pod.memory)),
            "memory_limit": limit, "memory_free": limit - float(round(pod.memory)), "memory_share": pod.memory / limit,
            "processor_share": 0.2, "startup": pod.pool.startup, "last_request": clock - 1, "last_run": clock - world.time % 3600,
            "clock": clock, "ready_behind": float(behind)}


def _added(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: defaultdict[str, float] = defaultdict(float)
    for one in found:
        for name, amount in one.items():
            total[name] += amount
    return total


def _joined(found: Iterable[Mapping[str, float]]) -> dict[str, float]:
    joined: dict[str, float] = {}
    for one in found:
        for name, amount in one.items():
            known = joined.get(name, 0.0)
            joined[name] = max(known, amount) if name in _LARGEST else known + amount
    return joined


def _strict(facts: Mapping[str, str], figures: Mapping[str, float]) -> Row:
    return Row(facts, figures, figures, strict=True)


def _pod(world: World, pod: Pod) -> Row:
    began, lost = world.scenario.began, pod.is_gone
    found = {"exists": 1.0, "pending": float(lost), "running": float(not lost), "ready": float(pod.is_ready),
             "unready": float(not pod.is_ready), "scheduled": float(not lost), "unscheduled": float(lost),
             "pod_created": began + pod.created}
    # A pod that has no node has not started.
    found |= {"finds_no_node": 1.0} if lost else {"pod_start": began + pod.created}
    return _strict(pod.facts, found)


def _container(world: World, pod: Pod) -> Row:
    began, pool = world.scenario.began, pod.pool
    waits = pod.is_gone or pod.waits_until is not None
    facts = pod.facts | {"waiting_reason": "CrashLoopBackOff" if pod.waits_until is not None else "Pending", "last_reason": pod.last_reason}
    found = {"exists": 1.0, "restarts": float(pod.restarts), "ready": float(pod.is_ready), "running": float(pod.runs),
             "waiting": float(waits), "cores": pool.cores, "memory_limit": pool.memory}
    if pod.waits_until is not None:
        found["waits"] = 1.0
    if pool.gpus:
        found["gpus"] = float(pool.gpus)
    if pod.runs:
        found["container_start"] = began + pod.started
    if pod.last_reason:
        found |= {"has_ended": 1.0, "exit_code": 137.0 if pod.last_reason == "OOMKilled" else 1.0, "ended_at": began + pod.last_ended}
    return _strict(facts, found)


def _deployments(pods: Sequence[Pod]) -> Iterable[Row]:
    for name in dict.fromkeys(pod.pool.name for pod in pods):
        own = [pod for pod in pods if pod.pool.name == name]
        ready = sum(pod.is_ready for pod in own)
        yield _strict(own[0].facts, {"wanted": float(len(own)), "ready": float(ready), "unready": float(len(own) - ready),
                                     "is_available": float(ready > 0), "is_unavailable": float(ready == 0)})


def _node(world: World, pod: Pod) -> Row:
    limit = 4 * pod.pool.memory
    return _strict(pod.facts, {"exists": 1.0, "cores": 64.0, "memory_limit": limit, "memory_free": limit - pod.memory,
                               "cpu_seconds": pod.cpu, "idle_seconds": (world.time + 1) * 64 - pod.cpu, "load": 4.0,
                               "received": pod.received, "sent": pod.sent,
                               "kills": float(pod.restarts if pod.last_reason == "OOMKilled" else 0), "gpus": float(len(pod.devices)),
                               "pod_start": world.scenario.began - 864000, "clock": world.scenario.began + world.time})


def _cgroup(world: World, pod: Pod) -> Row:
    began = world.scenario.began
    return _strict(pod.facts, {
        "cpu_seconds": pod.cpu, "periods": float(round(pod.periods)), "held_back": float(round(pod.held_back)),
        "held_back_seconds": pod.held_back / 20, "quota": pod.pool.cores / 10, "memory_used": float(round(pod.memory)),
        "memory_limit": pod.pool.memory, "container_start": began + pod.started, "clock": began + world.time,
        "kills": float(pod.restarts if pod.last_reason == "OOMKilled" else 0), "received": float(round(pod.received)),
        "sent": float(round(pod.sent))})


def _devices(pod: Pod, *, held: bool) -> Iterable[Row]:
    for device in pod.devices:
        if not device.is_lost:
            facts = devices.facts(device) | {name: pod.facts[name] for name in ("namespace", "pod", "container")}
            if not held:
                facts |= {"namespace": "", "pod": "", "container": ""}
            yield _strict(facts, devices.figures(device))
