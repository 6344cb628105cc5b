"""Containers: CPU and memory against their limits, restarts, and what the kernel killed."""

from __future__ import annotations

from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Text, Unit
from obsc.promql import Binary, Expr, Number, aggregate, equal, increase, over, rate
from obsc.signals.alert import INFO, WARNING, WHO, Contribution, Story, alert, figure, lines, share
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

MEMORY = Default("MemoryNearLimit", WARNING, hold=900, threshold=0.9, kind="ratio")
THROTTLED = Default("CPUThrottling", INFO, hold=900, threshold=0.25, kind="ratio")
KILLED = Default("ContainerOOMKilled", WARNING, hold=0)
CRASHING = Default("PodCrashLooping", WARNING, hold=600)
RESTARTING = Default("ContainerRestarting", WARNING, hold=0, threshold=3)
_STATE, _USAGE = "kubeStateMetrics", "cadvisor"
_RESTARTS = "kube_pod_container_status_restarts_total"

_MEMORY_CHECKS = ("Is it a leak (rising for hours) or a peak (long prompts, big batches)?",
                  "Shared memory counts too: look at the volumes in memory.", "Raise the limit or lower the batch.")
_RESTART_CHECKS = ("Read the last lines of the container that ended, and its exit code.",
                   "Look at memory against its limit before the restart.",
                   "Look at the rollouts of the last hour; roll back if one fits.")


def kubernetes(subject: Subject) -> Contribution:
    """Rules over the service's own containers, from the cluster's state and from the kubelet."""
    state, usage = subject.exporter(_STATE) is not None, subject.exporter(_USAGE) is not None
    parts = [(MEMORY, state and usage, _memory), (THROTTLED, usage, _throttled), (KILLED, state, _killed),
             (CRASHING, state, _crashing), (RESTARTING, state, _restarting)]
    alerts: list[AlertRule] = []
    omitted: list[tuple[str, str]] = []
    for default, possible, make in parts:
        settings = subject.settings(default)
        if not possible:
            omitted.append((default.name, "no source watches the containers"))
        elif settings is not None:
            alerts.append(make(subject, settings))
    return Contribution(alerts=tuple(alerts), panels=tuple(_panels(subject, state=state, usage=usage)), omitted=tuple(omitted))


def _used_memory(subject: Subject) -> Expr:
    used = subject.of_pods(_USAGE, "container_memory_working_set_bytes", container=True)
    limit = subject.of_pods(_STATE, "kube_pod_container_resource_limits", equal("resource", "memory"), container=True)
    by = ("namespace", "pod", "container")
    limited = Binary(">", aggregate("max", limit, *by), Number(0))
    return Binary("/", aggregate("max", used, *by), limited, on=by)


def _memory(subject: Subject, settings: Settings) -> AlertRule:
    expr = Binary(">", aggregate("max", _used_memory(subject), "namespace", "pod"), Number(settings.threshold))
    return alert(subject, settings, Story(
        "memoryUsage", "saturation", "memory", (*WHO, " is close to its memory limit"),
        ("Pod ", Field(label="pod"), " uses ", share(), " of its memory limit."),
        "The kernel kills the container at the limit; its requests fail.", _MEMORY_CHECKS), expr)


def _throttled(subject: Subject, settings: Settings) -> AlertRule:
    expr = Binary(">", _throttling(subject), Number(settings.threshold))
    return alert(subject, settings, Story(
        "cpuUsage", "saturation", "cpu", (*WHO, " is held back by its CPU limit"),
        ("Pod ", Field(label="pod"), " is throttled in ", share(), " of its time slices."),
        "Tokenizer and API server wait for CPU: first tokens come late.",
        ("Raise the CPU limit or remove it.", "Look for neighbours in the same pod.")), expr)


def _throttling(subject: Subject) -> Expr:
    by = ("namespace", "pod")
    held = aggregate("sum", rate(subject.of_pods(_USAGE, "container_cpu_cfs_throttled_periods_total", container=True),
                                 subject.span), *by)
    every = aggregate("sum", rate(subject.of_pods(_USAGE, "container_cpu_cfs_periods_total", container=True), subject.span),
                      *by)
    return Binary("/", held, Binary(">", every, Number(0)))


def _restarts(subject: Subject, window: float) -> Expr:
    # The cluster's state may be scraped twice: each restart is counted once.
    return aggregate("max", increase(subject.of_pods(_STATE, _RESTARTS, container=True), window), "namespace", "pod", "container")


def _killed(subject: Subject, settings: Settings) -> AlertRule:
    by = ("namespace", "pod", "container")
    reason = aggregate("max", subject.of_pods(_STATE, "kube_pod_container_status_last_terminated_reason",
                                              equal("reason", "OOMKilled"), container=True), *by)
    # The reason stays until the next end of the container, so only a fresh restart beside it is news.
    expr = Binary("and", Binary(">", _restarts(subject, 600), Number(0)), Binary("==", reason, Number(1)), on=by)
    return alert(subject, settings, Story(
        "restarts", "saturation", "restarts", (*WHO, " was killed for using too much memory"),
        ("Container ", Field(label="container"), " of pod ", Field(label="pod"), " ran out of memory."),
        "Requests of that replica failed; its model loads again.", _MEMORY_CHECKS), expr)


def _crashing(subject: Subject, settings: Settings) -> AlertRule:
    waiting = subject.of_pods(_STATE, "kube_pod_container_status_waiting_reason", equal("reason", "CrashLoopBackOff"),
                              container=True)
    expr = aggregate("max", over("max_over_time", waiting, 300), "namespace", "pod", "container")
    return alert(subject, settings, Story(
        "restarts", "availability", "restarts", (*WHO, " crashes again and again"),
        ("Container ", Field(label="container"), " of pod ", Field(label="pod"), " waits to be started again."),
        "That replica serves nothing.", _RESTART_CHECKS), Binary(">=", expr, Number(1)))


def _restarting(subject: Subject, settings: Settings) -> AlertRule:
    return alert(subject, settings, Story(
        "restarts", "availability", "restarts", (*WHO, " restarts often"),
        ("Container ", Field(label="container"), " of pod ", Field(label="pod"), " restarted ", figure(), " times in an hour."),
        "Each restart fails the requests of a replica and loads its model again.", _RESTART_CHECKS),
        Binary(">=", _restarts(subject, 3600), Number(settings.threshold)))


def _panels(subject: Subject, *, state: bool, usage: bool) -> list[tuple[str, Panel]]:
    seen = subject.viewed
    panels = []
    pod = Field(label="pod")
    container: Text = (pod,) if subject.container else (pod, " ", Field(label="container"))
    if usage:
        cores = rate(seen.of_pods(_USAGE, "container_cpu_usage_seconds_total", container=True), seen.span)
        panels.append(Panel(
            "cpu", "CPU", Chart.LINES, Unit.CORES, (Query(aggregate("sum", cores, "namespace", "pod"), (pod,)),),
            "Cores in use by pod. CPUThrottling fires when the limit holds a pod back.", Origin("kubernetes"), minimum=0))
    if usage and state:
        panels.append(Panel(
            "memory", "Memory of Limit", Chart.LINES, Unit.RATIO, (Query(_used_memory(seen), container),),
            "Working set over the limit. The kernel kills the container at 100 %; MemoryNearLimit fires before.",
            Origin("kubernetes"), lines(subject.settings(MEMORY)), minimum=0, maximum=1))
    if state:
        panels.append(Panel(
            "restarts", "Restarts", Chart.LINES, Unit.COUNT, (Query(_restarts(seen, 3600), container),),
            "Restarts of containers in the hour before. ContainerRestarting, ContainerOOMKilled and PodCrashLooping watch them.",
            Origin("kubernetes"), lines(subject.settings(RESTARTING)), minimum=0))
    return [("kubernetes", panel) for panel in panels]
