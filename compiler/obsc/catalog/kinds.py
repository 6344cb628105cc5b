"""Kinds of workload: how their pods are named and which series count their replicas."""

from __future__ import annotations

from dataclasses import dataclass

from obsc import encode

# The alphabet of generated parts of pod names (k8s.io/apimachinery rand.SafeEncodeString): no vowels, no 0, 1, 3.
_SAFE = "[bcdfghjklmnpqrstvwxz2456789]"
# k8s.io/apiserver names.SimpleNameGenerator: 63 characters less five random ones.
_LONGEST_BASE = 58


@dataclass(frozen=True, slots=True)
class WorkloadKind:
    """`label` carries the object's name in the series `desired` and `available` ("" where there are none).

    `suffix` is the RE2 expression of what follows the object's name in the names of its pods.
    """

    label: str
    desired: str
    available: str
    suffix: str


KINDS: dict[str, WorkloadKind] = {
    "Deployment": WorkloadKind(
        "deployment", "kube_deployment_spec_replicas", "kube_deployment_status_replicas_available",
        f"-{_SAFE}{{1,10}}-{_SAFE}{{5}}"),
    "StatefulSet": WorkloadKind(
        "statefulset", "kube_statefulset_replicas", "kube_statefulset_status_replicas_available", "-[0-9]+"),
    "DaemonSet": WorkloadKind(
        "daemonset", "kube_daemonset_status_desired_number_scheduled", "kube_daemonset_status_number_available",
        f"-{_SAFE}{{5}}"),
}


def pod_pattern(kind: str, name: str) -> str:
    """RE2 expression of the names of the pods of an object, "" for kinds without pods of their own."""
    known = KINDS.get(kind)
    if known is None:
        return ""
    if kind == "Deployment" and len(name) + len("-0123456789-") > _LONGEST_BASE:
        # The generated name is cut before its random end, and with it the hash or even the name.
        return encode.re2_literal(name[:_LONGEST_BASE - 12]) + "[a-z0-9.-]{1,17}"
    return encode.re2_literal(name) + known.suffix
