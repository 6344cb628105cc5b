"""Pods that do not come up, autoscalers, rollouts and volumes: the cluster's own reasons for too little capacity."""

from __future__ import annotations

from obsc import workloads
from obsc.ir import AlertRule, Chart, Field, Origin, Panel, Query, Unit
from obsc.promql import Binary, Expr, Matcher, Number, aggregate, equal, over, regex
from obsc.signals.alert import WARNING, WHO, Contribution, Story, alert, lines, share
from obsc.signals.figures import SITE, gauges, level
from obsc.signals.offers import Offer, taken
from obsc.signals.reading import Reading
from obsc.signals.settings import Default, Settings
from obsc.signals.subject import Subject

PENDING = Default("PodStuckPending", WARNING, hold=900)
WAITS = Default("ContainerWaiting", WARNING, hold=600, enabled=False)
STUCK = Default("RolloutStuck", WARNING, hold=900, enabled=False)
MAXED = Default("HPAMaxed", WARNING, hold=900)
FAILING = Default("HPAFailing", WARNING, hold=600)
FULL = Default("ModelVolumeFull", WARNING, hold=900, threshold=0.1, kind="ratio", enabled=False)
_STATE, _USAGE = "kubeStateMetrics", "cadvisor"
_HPA = "kube_horizontalpodautoscaler_"
_SCALER = "horizontalpodautoscaler"
_CLAIM = ("namespace", "persistentvolumeclaim")
_NO_STATE = "no source watches the cluster's objects"

_PENDING_CHECKS = ("Read the pod's events: no node with free accelerators is the usual cause, then quotas, taints, volumes, big images.",
                   "Add nodes, or take away what holds the accelerators.")
_WAITS_CHECKS = ("Read the pod's events: the image's name, its registry's credentials, a Secret or ConfigMap that is not there.",)
_STUCK_CHECKS = ("Look at the newest pods: why are they not ready?", "Roll back.")
_MAXED_CHECKS = ("Did traffic grow, or did replicas become slow?", "Raise the bound if the nodes are there.",
                 "Is the number that it steers by the right one?")
_FAILING_CHECKS = ("Read the autoscaler's conditions: which metric does it not get?", "Does the adapter of metrics answer?")
_FULL_CHECKS = ("What fills it: weights of old versions, caches, logs?", "Enlarge the volume.")


def rollout(subject: Subject) -> Contribution:
    """Autoscalers are judged where the spec lets the replicas move, and a bound only where requests wait at it."""
    state = subject.exporter(_STATE) is not None
    counted = workloads.counts(subject.resolved)
    deployments = tuple(one.names for one in counted if one.series.label == "deployment")
    moves = _moves(subject)
    queued = gauges(subject, "requestsWaiting")
    bounds = "" if moves else "the spec gives the replicas no room to move (`workload.replicas`)"
    alerts, omitted = taken(subject, (
        Offer(PENDING, lambda said: _pending(subject, said), "" if state else _NO_STATE),
        Offer(WAITS, lambda said: _waits(subject, said), "" if state else _NO_STATE),
        Offer(STUCK, lambda said: _stuck(subject, said, deployments),
              "" if state and deployments else "no Deployment that the cluster counts"),
        Offer(MAXED, lambda said: _maxed(subject, said, queued),
              bounds or ("" if state and queued else "no source tells whether requests wait, or what the autoscaler does")),
        Offer(FAILING, lambda said: _failing(subject, said), bounds or ("" if state else _NO_STATE)),
        Offer(FULL, lambda said: _full(subject, said), "" if state and subject.exporter(_USAGE) is not None else _NO_STATE)))
    return Contribution(alerts=alerts, panels=tuple(("kubernetes", panel) for panel in _panels(subject, moves=moves)) if state else (),
                        omitted=omitted)


def _moves(subject: Subject) -> bool:
    said = subject.resolved.service.workload.replicas
    return said.max is not None and said.max > said.min and bool(workloads.counts(subject.resolved))


def _not_up(subject: Subject) -> Expr:
    phase = subject.of_pods(_STATE, "kube_pod_status_phase", equal("phase", "Pending"))
    return aggregate("max", phase, "namespace", "pod")


def _pending(subject: Subject, settings: Settings) -> AlertRule:
    return alert(subject, settings, Story(
        "replicas", "saturation", "pods-pending", (*WHO, " has a pod that does not start"),
        ("Pod ", Field(label="pod"), " waits to be started."), "Less capacity than is wanted.", _PENDING_CHECKS),
        Binary("==", _not_up(subject), Number(1)))


def _reasons(subject: Subject) -> Expr:
    wrong = "ImagePullBackOff|ErrImagePull|InvalidImageName|CreateContainerConfigError|CreateContainerError"
    found = subject.of_pods(_STATE, "kube_pod_container_status_waiting_reason", regex("reason", wrong))
    return aggregate("max", over("max_over_time", found, 300), "namespace", "pod", "container", "reason")


def _waits(subject: Subject, settings: Settings) -> AlertRule:
    return alert(subject, settings, Story(
        "replicas", "saturation", "pods-pending", (*WHO, " has a container that cannot be made"),
        ("Container ", Field(label="container"), " of pod ", Field(label="pod"), " waits: ", Field(label="reason"), "."),
        "That replica serves nothing.", _WAITS_CHECKS), Binary(">=", _reasons(subject), Number(1)))


def _stuck(subject: Subject, settings: Settings, deployments: tuple[str, ...]) -> AlertRule:
    found = subject.of_objects("kube_deployment_status_condition", regex("deployment", "|".join(deployments)),
                               equal("condition", "Progressing"), equal("status", "false"))
    return alert(subject, settings, Story(
        "replicas", "availability", "replicas-over-time", (*WHO, " has a rollout that gets nowhere"),
        ("The rollout of ", Field(label="deployment"), " made no progress within its deadline."), "The new version does not come up.",
        _STUCK_CHECKS), Binary(">", aggregate("max", found, "namespace", "deployment"), Number(0)))


def _scalers(subject: Subject, name: str, *more: Matcher) -> Expr:
    """A figure of the autoscaler, called like its workload, or as KEDA calls the one that it makes."""
    names = "|".join(one.names for one in workloads.counts(subject.resolved))
    return aggregate("max", subject.of_objects(_HPA + name, regex(_SCALER, f"(keda-hpa-)?({names})"), *more), "namespace", _SCALER)


def _maxed(subject: Subject, settings: Settings, queued: tuple[Reading, ...]) -> AlertRule:
    by = ("namespace", _SCALER)
    highest = _scalers(subject, "spec_max_replicas")
    at_bound = Binary("==", _scalers(subject, "status_current_replicas"), highest, on=by)
    free = Binary(">", highest, _scalers(subject, "spec_min_replicas"), on=by)
    waiting = Binary(">", level(subject, queued, *SITE, function="min_over_time", window=subject.window), Number(0))
    return alert(subject, settings, Story(
        "requestsWaiting", "saturation", "autoscaler", (*WHO, " has as many replicas as it may, and requests wait"),
        ("The autoscaler ", Field(label=_SCALER), " is at its upper bound."), "No headroom is left: latency grows with the load.",
        _MAXED_CHECKS), Binary("and", Binary("and", at_bound, free, on=by), waiting, on=SITE))


def _failing(subject: Subject, settings: Settings) -> AlertRule:
    inactive = _scalers(subject, "status_condition", equal("condition", "ScalingActive"), equal("status", "false"))
    return alert(subject, settings, Story(
        "replicas", "saturation", "autoscaler", (*WHO, " is not scaled any more"),
        ("The autoscaler ", Field(label=_SCALER), " cannot tell how many replicas are needed."), "Load may grow and no replica comes.",
        _FAILING_CHECKS), Binary("==", inactive, Number(1)))


def _free(subject: Subject) -> Expr:
    """Free share of the volumes that the service's pods mount."""
    left, size = (aggregate("max", subject.of_claims(f"kubelet_volume_stats_{what}_bytes"), *_CLAIM) for what in ("available", "capacity"))
    mine = aggregate("max", subject.of_pods(_STATE, "kube_pod_spec_volumes_persistentvolumeclaims_info"), *_CLAIM)
    return Binary("and", Binary("/", left, Binary(">", size, Number(0)), on=_CLAIM), mine, on=_CLAIM)


def _full(subject: Subject, settings: Settings) -> AlertRule:
    return alert(subject, settings, Story(
        "volumes", "saturation", "volumes", (*WHO, " runs out of room on a volume"),
        ("Of the volume ", Field(label="persistentvolumeclaim"), " ", share(), " is free."),
        "Weights cannot be fetched, caches and logs cannot be written: the next start fails.", _FULL_CHECKS),
        Binary("<", _free(subject), Number(settings.threshold)))


def _panels(subject: Subject, *, moves: bool) -> list[Panel]:
    seen = subject.viewed
    panels = [Panel("pods-pending", "Pods That Do Not Start", Chart.LINES, Unit.COUNT,
                    (Query(aggregate("sum", _not_up(seen), *SITE), ("pending",)),),
                    "Pods that wait for a node, an image or a volume. PodStuckPending watches them.", Origin("rollout"), minimum=0)]
    if subject.exporter(_USAGE) is not None and subject.settings(FULL) is not None:
        panels.append(Panel("volumes", "Volumes, Free", Chart.LINES, Unit.RATIO,
                            (Query(_free(seen), (Field(label="persistentvolumeclaim"),)),),
                            "Free share of the volumes that the pods mount. ModelVolumeFull watches them.",
                            Origin("rollout"), lines(subject.settings(FULL), above=False), minimum=0, maximum=1, empty="No volume"))
    if moves:
        panels.append(Panel("autoscaler", "Autoscaler", Chart.LINES, Unit.COUNT,
                            (Query(_scalers(seen, "status_desired_replicas"), ("asked for by ", Field(label=_SCALER))),
                             Query(_scalers(seen, "spec_max_replicas"), ("most of ", Field(label=_SCALER)))),
                            "Replicas that the autoscaler asks for, and the most that it may. HPAMaxed and HPAFailing watch it.",
                            Origin("rollout"), minimum=0, empty="No autoscaler"))
    return panels
