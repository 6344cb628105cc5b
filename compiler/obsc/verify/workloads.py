"""Pods, what makes them and what leads to them: what the API server checks beyond its schemas."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from obsc.source import Path
from obsc.verify.objects import check_labels, dns_label
from obsc.verify.problem import Problem, at, below, items, mapping, nearest, repeated, shown

_TEMPLATES: dict[str, Path] = {
    "Pod": (), "Deployment": ("spec", "template"), "ReplicaSet": ("spec", "template"), "DaemonSet": ("spec", "template"),
    "StatefulSet": ("spec", "template"), "ReplicationController": ("spec", "template"), "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template")}
_SELECTING = frozenset({"Deployment", "ReplicaSet", "DaemonSet", "StatefulSet"})
_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])(?!.*--)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NUMBER = re.compile(r"([+-]?[0-9.]+)([a-zA-Z]*)([+-]?[0-9]*)")
_FACTORS: dict[str, Decimal | int] = {
    "": 1, "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "P": 10**15, "E": 10**18, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60}
_NODE_PORTS = range(30000, 32768)


def check(data: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with an object that runs pods, leads to them or bounds them."""
    kind, group = str(data.get("kind")), str(data.get("apiVersion")).rpartition("/")[0]
    if "." in group and not group.endswith(".k8s.io"):
        return  # a custom resource that is called like one of Kubernetes' own, such as Knative's Service
    if kind in _TEMPLATES:
        yield from _workload(kind, data)
    elif kind in _BY_KIND:
        yield from _BY_KIND[kind](data)


def _workload(kind: str, data: Mapping[str, Any]) -> Iterator[Problem]:
    path, spec = _TEMPLATES[kind], mapping(data.get("spec"))
    template = mapping(at(data, *path))
    if path:
        yield from below((*path, "metadata", "labels"), check_labels(at(template, "metadata", "labels")))
    if kind in _SELECTING:
        yield from _selector(spec)
    claims = [at(one, "metadata", "name") for one in items(spec.get("volumeClaimTemplates"))]
    yield from below((*path, "spec"), _pod(mapping(template.get("spec")), claims))


def _selector(spec: Mapping[str, Any]) -> Iterator[Problem]:
    selector = mapping(spec.get("selector"))
    labels = mapping(at(spec, "template", "metadata", "labels"))
    yield from below(("spec", "selector", "matchLabels"), check_labels(selector.get("matchLabels")))
    if "selector" in spec and not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield Problem("X613", ("spec", "selector"), "found an empty selector, expected one that matches the pods",
                      "select by labels of the template")
    for key, value in mapping(selector.get("matchLabels")).items():
        if labels.get(key) != value:
            found = f"`{labels[key]}`" if key in labels else "no such label"
            yield Problem("X613", ("spec", "selector", "matchLabels", key),
                          f"the selector wants {shown(value)} of `{key}`, the template has {found}",
                          "write the same in both")
    for index, one in enumerate(items(selector.get("matchExpressions"))):
        if not _matches(mapping(one), labels):
            yield Problem("X613", ("spec", "selector", "matchExpressions", index), "the selector does not match the template's labels",
                          "write it so that it does")


def _matches(one: Mapping[str, Any], labels: Mapping[str, Any]) -> bool:
    key, values = str(one.get("key")), items(one.get("values"))
    return {"In": labels.get(key) in values, "NotIn": labels.get(key) not in values, "Exists": key in labels,
            "DoesNotExist": key not in labels}.get(str(one.get("operator")), True)


def _pod(pod: Mapping[str, Any], claims: list[Any]) -> Iterator[Problem]:
    volumes = [at(one, "name") for one in items(pod.get("volumes"))]
    for index, name in enumerate(volumes):
        if name is not None and not dns_label(name):
            yield Problem("X610", ("volumes", index, "name"), f"{shown(name)} is no name of a volume, expected a DNS label", "")
    known = [one for one in (*volumes, *claims) if isinstance(one, str)]
    others: list[Any] = []
    for section in _CONTAINERS:
        containers = items(pod.get(section))
        for index, one in enumerate(containers):
            yield from below((section, index), _container(mapping(one), known))
            # Within a list the schema says so.
            if at(one, "name") in others:
                yield Problem("X606", (section, index, "name"), f"{shown(at(one, 'name'))} is the name of another container too",
                              "rename one of them")
        others += [at(one, "name") for one in containers]
    if not items(pod.get("containers")) and "containers" in pod:
        yield Problem("X608", ("containers",), "found no containers, expected one at least", "", key=True)


def _container(one: Mapping[str, Any], volumes: list[str]) -> Iterator[Problem]:
    if one.get("name") is not None and not dns_label(one.get("name")):
        yield Problem("X610", ("name",), f"{shown(one.get('name'))} is no name of a container, expected a DNS label", "")
    if not one.get("image"):
        yield Problem("X608", (), "found no `image`, which must be there", "write `image:`")
    yield from _container_ports(one)
    yield from _mounts(one, volumes)
    yield from _resources(mapping(one.get("resources")))
    for index, variable in enumerate(items(one.get("env"))):
        if at(variable, "value") is not None and at(variable, "valueFrom") is not None:
            yield Problem("X605", ("env", index, "valueFrom"), "found `value` and `valueFrom`, expected one of them",
                          "delete one", key=True)


def _container_ports(one: Mapping[str, Any]) -> Iterator[Problem]:
    ports = items(one.get("ports"))
    names = [at(port, "name") for port in ports]
    for index, port in enumerate(ports):
        for key in ("containerPort", "hostPort"):
            yield from below(("ports", index, key), _port(at(port, key)))
        if isinstance(names[index], str) and not _PORT_NAME.fullmatch(names[index]):
            yield Problem("X614", ("ports", index, "name"),
                          f"{shown(names[index])} is no name of a port, expected at most 15 lower-case letters, "
                          "digits and single dashes, a letter among them", "shorten it" if len(names[index]) > 15 else "")
    for index, _ in repeated(names):
        yield Problem("X614", ("ports", index, "name"), f"{shown(names[index])} is the name of another port too", "rename one of them")
    for probe in _PROBES:
        for way in ("httpGet", "tcpSocket", "grpc"):
            wanted = at(one, probe, way, "port")
            if isinstance(wanted, str) and wanted not in names:
                yield Problem("X614", (probe, way, "port"), f"the container has no port called {shown(wanted)}",
                              nearest(wanted, [name for name in names if isinstance(name, str)]))
            else:
                yield from below((probe, way, "port"), _port(wanted))


def _port(value: object) -> Iterator[Problem]:
    if isinstance(value, int) and not isinstance(value, bool) and not 0 < value < 65536:
        yield Problem("X614", (), f"found {shown(value)}, expected a port from 1 to 65535", "")


def _mounts(one: Mapping[str, Any], volumes: list[str]) -> Iterator[Problem]:
    for section, key in (("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")):
        mounts = items(one.get(section))
        for index, mount in enumerate(mounts):
            name = at(mount, "name")
            if isinstance(name, str) and name not in volumes:
                yield Problem("X615", (section, index, "name"), f"the pod has no volume {shown(name)}", nearest(name, volumes))
        paths = [at(mount, key) for mount in mounts]
        # The schema says so of mounts already, whose list is keyed by the path; devices are a list of their own.
        for index, _ in repeated(paths if section == "volumeDevices" else []):
            yield Problem("X615", (section, index, key), f"something else is at {shown(paths[index])} already", "")


def _resources(resources: Mapping[str, Any]) -> Iterator[Problem]:
    limits = mapping(resources.get("limits"))
    for name, wanted in mapping(resources.get("requests")).items():
        least, most = _amount(wanted), _amount(limits.get(name))
        if least is not None and most is not None and least > most:
            yield Problem("X612", ("resources", "requests", name), f"the request {shown(wanted)} is above the limit {shown(limits[name])}",
                          "raise the limit")


def _amount(value: object) -> Decimal | None:
    """A quantity as a number, None if it is none."""
    found = _NUMBER.fullmatch(str(value)) if isinstance(value, str | int | float) else None
    if found is None:
        return None
    try:
        if found[2] in {"e", "E"} and found[3]:
            return Decimal(found[0])
        return Decimal(found[1]) * _FACTORS[found[2]] if not found[3] else None
    except (InvalidOperation, KeyError):
        return None


def _service(data: Mapping[str, Any]) -> Iterator[Problem]:
    yield from below(("spec",), _service_ports(mapping(data.get("spec"))))


def _service_ports(spec: Mapping[str, Any]) -> Iterator[Problem]:
    ports = items(spec.get("ports"))
    yield from below(("selector",), check_labels(spec.get("selector")))
    names = [at(port, "name") for port in ports]
    for index, port in enumerate(ports):
        # A target port of zero is taken for none.
        for key, value in (("port", at(port, "port")), ("targetPort", at(port, "targetPort") or None)):
            yield from below(("ports", index, key), _port(value))
        node = at(port, "nodePort")
        if isinstance(node, int) and node and node not in _NODE_PORTS:
            yield Problem("X614", ("ports", index, "nodePort"), f"found {shown(node)}, expected a node's port from 30000 to 32767", "")
        if len(ports) > 1 and not names[index]:
            yield Problem("X608", ("ports", index), "found no `name`, which must be there if there are several ports", "write `name:`")
    for index, _ in repeated(names):
        yield Problem("X614", ("ports", index, "name"), f"{shown(names[index])} is the name of another port too", "rename one of them")
    if spec.get("type") == "ExternalName" and not spec.get("externalName"):
        yield Problem("X608", (), "found no `externalName`, which must be there", "write `externalName:`")
    elif not ports and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None":
        yield Problem("X608", (), "found no `ports`, which must be there", "write `ports:`")


def _network_policy(data: Mapping[str, Any]) -> Iterator[Problem]:
    spec = mapping(data.get("spec"))
    for side in ("ingress", "egress"):
        for index, rule in enumerate(items(spec.get(side))):
            for number, port in enumerate(items(at(rule, "ports"))):
                path = ("spec", side, index, "ports", number)
                for key in ("port", "endPort"):
                    yield from below((*path, key), _port(at(port, key)))
                first, last = at(port, "port"), at(port, "endPort")
                if isinstance(first, int) and isinstance(last, int) and last < first:
                    yield Problem("X614", (*path, "endPort"), f"the range ends at {shown(last)}, before {shown(first)}", "")


def _disruption_budget(data: Mapping[str, Any]) -> Iterator[Problem]:
    if all(at(data, "spec", key) is not None for key in ("minAvailable", "maxUnavailable")):
        yield Problem("X605", ("spec", "maxUnavailable"), "found `minAvailable` and `maxUnavailable`, expected one of them",
                      "delete one", key=True)


def _autoscaler(data: Mapping[str, Any]) -> Iterator[Problem]:
    fewest, most = at(data, "spec", "minReplicas"), at(data, "spec", "maxReplicas")
    if isinstance(fewest, int) and isinstance(most, int) and fewest > most:
        yield Problem("X605", ("spec", "maxReplicas"), f"the most replicas {shown(most)} are fewer than the fewest {shown(fewest)}", "")


def _binding(data: Mapping[str, Any]) -> Iterator[Problem]:
    for index, subject in enumerate(items(data.get("subjects"))):
        if at(subject, "kind") == "ServiceAccount" and not at(subject, "namespace"):
            yield Problem("X608", ("subjects", index), "found no `namespace` of the ServiceAccount, which must be there",
                          "write `namespace:`")


_BY_KIND: dict[str, Callable[[Mapping[str, Any]], Iterator[Problem]]] = {
    "Service": _service, "NetworkPolicy": _network_policy, "PodDisruptionBudget": _disruption_budget,
    "HorizontalPodAutoscaler": _autoscaler, "RoleBinding": _binding, "ClusterRoleBinding": _binding}
