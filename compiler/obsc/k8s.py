"""Kubernetes envelopes: objects, names, ConfigMaps, kustomizations, and the hardening that all pods share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping

MANAGED_BY = "obsc"
# Argo CD reads it; who applies with kubectl writes --server-side. Flux does so always.
SERVER_SIDE = {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}
_LONGEST_NAME = 63
_NOT_FILLED_IN = {"kustomize.toolkit.fluxcd.io/substitute": "disabled"}
Data = dict[str, object]

POD_SECURITY: Data = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                      "seccompProfile": {"type": "RuntimeDefault"}}
CONTAINER_SECURITY: Data = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]}}


def object_name(*parts: str, joint: str = "-") -> str:
    """A DNS label from parts; a long one keeps its start and gets a digest of the whole.

    Joined by a dot, which no part has, they stay apart: `chat.gpu` is no name that the service `chat-gpu` has.
    """
    name = joint.join(part for part in parts if part)
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[:_LONGEST_NAME - 9].rstrip('-.')}-{digest}"


def labels(name: str, *, part_of: str = "obsc", more: Mapping[str, str] | None = None) -> Data:
    """The labels of every emitted object. A spec's own come first, so that they cannot replace these."""
    return {**(more or {}), "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": part_of,
            "app.kubernetes.io/managed-by": MANAGED_BY}


def obj(api_version: str, kind: str, name: str, namespace: str | None, *, own_labels: Mapping[str, object],
        annotations: Mapping[str, str] | None = None, **body: object) -> Data:
    """An object: apiVersion, kind, metadata, then its body in the order given.

    Where it has what Flux would take for a variable of the cluster, or for a dollar sign that is written twice, it says
    that nothing is to be filled in.
    """
    if any("${" in text or "$$" in text for text in _texts(body)):
        annotations = {**(annotations or {}), **_NOT_FILLED_IN}
    metadata: Data = {"name": name}
    if namespace is not None:
        metadata["namespace"] = namespace
    metadata["labels"] = dict(sorted(own_labels.items()))
    if annotations:
        metadata["annotations"] = dict(sorted(annotations.items()))
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from (key, *_texts(value))
    elif isinstance(data, list | tuple):
        for one in data:
            yield from _texts(one)


def config_map(name: str, namespace: str, data: Mapping[str, str], *, more: Mapping[str, str] | None = None,
               annotations: Mapping[str, str] | None = None) -> Data:
    """A ConfigMap with its keys sorted."""
    return obj("v1", "ConfigMap", name, namespace, own_labels=labels(name, more=more), annotations=annotations,
               data=dict(sorted(data.items())))


def on_server(data: object) -> Data:
    """An object that says that it has to be applied on the server's side."""
    assert isinstance(data, dict)
    metadata = data["metadata"]
    annotations = {**metadata.get("annotations", {}), **SERVER_SIDE}
    return {**data, "metadata": {**metadata, "annotations": dict(sorted(annotations.items()))}}


def kustomization(resources: Iterable[str]) -> Data:
    """A kustomization that lists files or folders, sorted."""
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": sorted(resources)}


def checksum(*texts: str) -> str:
    """A digest that changes a pod template when the configuration it cannot reload changes."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def service_account(name: str, namespace: str, *, token: bool) -> Data:
    """A ServiceAccount; its token is mounted only where the API is called."""
    return {**obj("v1", "ServiceAccount", name, namespace, own_labels=labels(name)), "automountServiceAccountToken": token}


def cluster_role(name: str, rules: Iterable[Data]) -> Data:
    """A ClusterRole."""
    return obj("rbac.authorization.k8s.io/v1", "ClusterRole", name, None, own_labels=labels(name), rules=list(rules))


def cluster_role_binding(name: str, account: str, namespace: str) -> Data:
    """The binding of a ClusterRole to one ServiceAccount."""
    return obj("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", name, None, own_labels=labels(name),
               roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name},
               subjects=[{"kind": "ServiceAccount", "name": account, "namespace": namespace}])


def read_rule(groups: Iterable[str], resources: Iterable[str]) -> Data:
    """The right to get, list and watch."""
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": ["get", "list", "watch"]}
