"""`workload`: the Kubernetes objects that run the service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from obsc.spec.base import Block, leaf
from obsc.spec.types import Count, CountOrNone, DnsLabel, Duration, KubeLabels, NamespacePattern, ObjectPattern, OwnKind

# `catalog.kinds` knows all but the last two, which have no object in the cluster.
Kind: TypeAlias = Literal["Deployment", "StatefulSet", "DaemonSet", "LeaderWorkerSet", "RayService", "InferenceService",
                          "LLMInferenceService", "NIMService", "External", "None"]


class Replicas(Block):
    """Bounds in which the number of replicas is allowed to move."""

    min: CountOrNone = leaf("Fewest replicas; with 0 it may scale to zero, and absence is normal.", 2, unit="replicas", default=1)
    max: Count | None = leaf("Most replicas; the fewest unless given.", 8, unit="replicas", default=None)


class Workload(Block):
    """How the service runs."""

    later: ClassVar[Mapping[str, str]] = {"versionLabel": "canary against stable; give each a component with a selector of its own"}
    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"kind": dict.fromkeys(("Job", "CronJob"), "workloads that end")}

    kind: Kind | OwnKind = leaf(
        "Kind of the object, which tells its pods' names and labels, and what counts its replicas; `External` runs outside Kubernetes, "
        "`None` in somebody else's pods. Kinds that the platform's `catalogs` bring along "
        "have their group behind them.", "StatefulSet", default="Deployment")
    name: ObjectPattern | tuple[ObjectPattern, ...] | None = leaf(
        "Name of the object, several of them, or globs: of the object that the team makes, not of those that an operator makes "
        "for it. `<service>`, of a component `<service>-<component>`, unless given.", "support-chat-v2", default=None)
    namespaces: tuple[NamespacePattern, ...] = leaf(
        "Namespaces of the objects, or globs of them: sites or tenants of one service, each of which is told apart. The service's own "
        "unless given. Its team must be allowed to run services in each.", ["ai-eu", "ai-us"], default=())
    selector: KubeLabels | None = leaf(
        "Labels of the pods; as the kind has them unless given, else `app.kubernetes.io/name: <name>`. Never merged, only replaced.",
        {"app": "support-chat"}, default=None)
    container: DnsLabel | None = leaf("The serving container; the kind's or the catalog's unless given, else every container.", "vllm",
                                      default=None)
    replicas: Replicas = leaf("Bounds of the number of replicas.", {"min": 2, "max": 8}, default=Replicas())
    startup: Duration | None = leaf(
        "Longest time from a container's start until it is ready; the catalog's unless given. "
        "Pods younger than this raise no alert.", "10m", unit="duration", default=None)
