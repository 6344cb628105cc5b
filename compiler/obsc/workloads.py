"""The objects that run a component: their names and namespaces, and how their pods are told from others."""

from __future__ import annotations

from collections.abc import Sequence

from obsc import encode
from obsc.catalog.kinds import Count, WorkloadKind, pod_pattern, replica_counts
from obsc.ir import Requirement
from obsc.resolve import Resolved

_USUAL = (("app.kubernetes.io/name", ("{name}",)),)
_NAME = "{name}"
_ANY_VALUE = "[A-Za-z0-9_.-]*"


def kind(resolved: Resolved) -> WorkloadKind | None:
    """What is known of the kind of object; None for what has no object in the cluster."""
    return resolved.catalog.kinds.get(resolved.service.workload.kind)


def names(resolved: Resolved) -> tuple[str, ...]:
    """Names of the objects, or globs of them."""
    said = resolved.service.workload.name
    return (resolved.full_name,) if said is None else (said,) if isinstance(said, str) else said or (resolved.full_name,)


def one_name(resolved: Resolved) -> str | None:
    """The name of the object; None where there are several."""
    found = names(resolved)
    return found[0] if len(found) == 1 and not is_glob(found[0]) else None


def namespaces(resolved: Resolved) -> tuple[str, ...]:
    """Namespaces of the objects, or globs of them."""
    return resolved.service.workload.namespaces or (resolved.service.metadata.namespace,)


def scattered(resolved: Resolved) -> bool:
    """Whether the objects are elsewhere than in the service's own namespace alone: then each series tells its namespace."""
    return namespaces(resolved) != (resolved.service.metadata.namespace,)


def sites(resolved: Resolved) -> tuple[str, ...]:
    """The namespaces by name; () where a glob leaves open which there are."""
    found = namespaces(resolved)
    return () if any(map(is_glob, found)) else found


def is_glob(text: str) -> bool:
    """Whether a text stands for several."""
    return "*" in text


def pods(resolved: Resolved) -> str:
    """RE2 expression of the names of the component's pods, "" where the kind has none of its own."""
    return pod_pattern(resolved.service.workload.kind, names(resolved), resolved.catalog.kinds)


def counts(resolved: Resolved) -> tuple[Count, ...]:
    """Which series count the component's replicas; () where nobody does."""
    return replica_counts(resolved.service.workload.kind, names(resolved), resolved.catalog.kinds)


def service_host(resolved: Resolved) -> str | None:
    """`name.namespace.svc` of the Service in front of the component; None where there are several."""
    name, found, told = one_name(resolved), sites(resolved), kind(resolved)
    if name is None or len(found) != 1:
        return None
    return f"{(told.service if told is not None else _NAME).replace(_NAME, name)}.{found[0]}.svc"


def container(resolved: Resolved) -> str:
    """The serving container: the spec's, the kind's, the runtime's, or nothing where any of the pod's may be it."""
    told, name = kind(resolved), one_name(resolved)
    usual = told.container if told is not None else ""
    of_kind = usual.replace(_NAME, name or "") if name is not None or _NAME not in usual else ""
    return resolved.service.workload.container or of_kind or ("" if usual else resolved.profile.container)


def selector(resolved: Resolved) -> tuple[Requirement, ...]:
    """What labels of the component's pods must be: as the spec says, else as its kind of object does."""
    said, told = resolved.service.workload.selector, kind(resolved)
    if said is not None:
        return tuple(Requirement(key, (value,)) for key, value in sorted(said.items()))
    return tuple(_requirement(key, values, names(resolved)) for key, values in (told.selector if told is not None else _USUAL))


def shared_pods(resolved: Resolved) -> str:
    """RE2 expression of the names of the pods where their labels tell too little, else nothing."""
    told = kind(resolved)
    return pods(resolved) if told is not None and told.shared and resolved.service.workload.selector is None else ""


def _requirement(key: str, values: Sequence[str], found: Sequence[str]) -> Requirement:
    filled = tuple(dict.fromkeys(value.replace(_NAME, name) for value in values for name in found))
    if not any(map(is_glob, filled)):
        return Requirement(key, filled)
    return Requirement(key, (), "|".join(encode.re2_glob(one, _ANY_VALUE) for one in filled))
