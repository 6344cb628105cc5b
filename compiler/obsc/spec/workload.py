"""`workload`: the Kubernetes objects that run the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from obsc.spec.base import Block, leaf
from obsc.spec.types import Count, CountOrNone, DnsLabel, Duration, KubeLabels, ObjectName


class Replicas(Block):
    """Bounds in which the number of replicas is allowed to move."""

    min: CountOrNone = leaf("Fewest replicas; with 0 it may scale to zero, and absence is normal.", 2, unit="replicas", default=1)
    max: Count | None = leaf("Most replicas; the fewest unless given.", 8, unit="replicas", default=None)


class Workload(Block):
    """How the service runs."""

    later: ClassVar[Mapping[str, str]] = {"namespaces": "one service in several namespaces",
                                          "versionLabel": "canary against stable"}
    later_values: ClassVar[Mapping[str, tuple[object, ...]]] = {
        "kind": ("LeaderWorkerSet", "RayService", "InferenceService", "LLMInferenceService", "NIMService", "Job", "CronJob")}
    later_forms: ClassVar[Mapping[str, str]] = {"name": "a service of several objects"}

    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "External", "None"] = leaf(
        "Kind of the object; `External` runs outside Kubernetes, `None` in somebody else's pods.", "StatefulSet",
        default="Deployment")
    name: ObjectName | None = leaf("Name of the object, as kube-state-metrics shows it; the service's unless given.",
                                   "support-chat-v2", default=None)
    selector: KubeLabels | None = leaf(
        "Labels of the pods; `app.kubernetes.io/name: <service>` unless given. Never merged, only replaced.",
        {"app": "support-chat"}, default=None)
    container: DnsLabel | None = leaf("The serving container; the catalog's unless given, else every container.", "vllm",
                                      default=None)
    replicas: Replicas = leaf("Bounds of the number of replicas.", {"min": 2, "max": 8}, default=Replicas())
    startup: Duration | None = leaf(
        "Longest time from a container's start until it is ready; the catalog's unless given. "
        "Pods younger than this raise no alert.", "10m", unit="duration", default=None)
