"""Kubernetes objects judged by schemas: the API server's own of a version, and those of custom resources.

The first come with kubernetes-validate, whose files are read once here and not once per object, as it does itself; the
second lie in crds/. Both refuse fields that the API server would drop, and keys of list-maps that repeat.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from obsc.diagnostics import Severity
from obsc.verify import reasons
from obsc.verify.problem import Problem, at, below, nearest, shown

if TYPE_CHECKING:
    from jsonschema import ValidationError

Judge: TypeAlias = "Callable[[object], Iterator[ValidationError]]"
EXTRA = ("jsonschema", "kubernetes_validate")
_DEFINITIONS = "https://kubernetes.io/api/_definitions.json"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
_MOST = 20  # findings of one object: more are echoes of one mistake


class _Core(NamedTuple):
    """The schemas of a version: definitions by group, version and kind, and all of them."""

    names: Mapping[tuple[str, str, str], str]
    registry: Any


def missing() -> tuple[str, ...]:
    """The packages of the extra `verify` that are not installed."""
    return tuple(name for name in EXTRA if find_spec(name) is None)


@lru_cache(maxsize=1)
def versions() -> tuple[str, ...]:
    """The versions of Kubernetes whose schemas are there, as `1.33`, oldest first."""
    folders = (files("kubernetes_validate") / "kubernetes-json-schema").iterdir()
    found = {one[1] for folder in folders if (one := re.fullmatch(r"v(\d+\.\d+)\.\d+-local-strict", folder.name))}
    return tuple(sorted(found, key=lambda version: [int(part) for part in version.split(".")]))


def is_core(group: str) -> bool:
    """Whether a group of kinds belongs to Kubernetes itself."""
    return group in {one for one, _, _ in _core(versions()[-1]).names}


def check(data: Mapping[str, Any], version: str) -> Iterator[Problem]:
    """What the API server of this version, or the operator of the custom resource, would refuse in an object."""
    api_version, kind = str(data.get("apiVersion")), str(data.get("kind"))
    group, _, release = api_version.rpartition("/")
    core = _core(version)
    name = core.names.get((group, release, kind))
    if name is not None:
        yield from _judged(_judge(version, name), data)
        return
    yield from below(("metadata",), _judged(_judge(version, _META), data.get("metadata") or {}))
    custom = _custom().get((group, kind))
    if custom is not None:
        yield from _of_custom(custom, data, release)
    else:
        yield _unknown(core, group, release, kind, version)


def _of_custom(custom: Mapping[str, Any], data: Mapping[str, Any], release: str) -> Iterator[Problem]:
    if custom["version"] != release:
        yield Problem("X607", ("apiVersion",), f"the schema of {custom['kind']} is known for {custom['version']}, not for {shown(release)}",
                      f"write {custom['group']}/{custom['version']}, if the operator serves it", severity=Severity.INFO)
        return
    yield from _judged(_custom_judge(custom["group"], custom["kind"]), data, _origin(custom))


def _origin(custom: Mapping[str, Any]) -> str:
    """The release that the schema of a custom resource is of: `prometheus-operator v0.85.0`."""
    module, _, version = custom["origin"].partition("@")
    return f"{re.sub(r'/v[0-9]+$', '', module).rpartition('/')[2]} {version}"


def _unknown(core: _Core, group: str, release: str, kind: str, version: str) -> Problem:
    groups = {one for one, _, _ in core.names}
    others = sorted({known for known, _, name in core.names if name == kind and known != group})
    served = sorted({one for known, one, name in core.names if (known, name) == (group, kind)})
    if served:
        return Problem("X603", ("apiVersion",), f"Kubernetes {version} does not serve {kind} as {shown(release)}",
                       f"write {'/'.join(part for part in (group, served[-1]) if part)}")
    if group in groups:
        kinds = {name for known, _, name in core.names if known == group}
        where = f"in {group}" if group else "in the core group"
        hint = nearest(kind, kinds) or (f"it belongs to {others[0] or 'v1'}" if others else "")
        return Problem("X603", ("kind",), f"Kubernetes {version} has no kind {shown(kind)} {where}", hint)
    return Problem("X607", ("kind",), f"no schema is known of {kind} in {shown(group)}: only its metadata was checked",
                   "let the API server check it: kubectl apply --dry-run=server", severity=Severity.INFO)


def _judged(judge: Judge, data: object, origin: str = "") -> Iterator[Problem]:
    for index, error in enumerate(judge(data)):
        if index == _MOST:
            return
        yield from reasons.explain(error, origin)


@lru_cache(maxsize=4)
def _core(version: str) -> _Core:
    from referencing import Registry, Resource  # noqa: PLC0415  only `verify` needs it

    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    data = json.loads((folder / "_definitions.json").read_text("utf-8"))
    definitions = data["$defs"]
    definitions[_QUANTITY] = {"type": ["string", "number", "null"], "obsc-quantity": True}
    names = {(one["group"], one["version"], one["kind"]): name for name, schema in definitions.items()
             for one in schema.get("x-kubernetes-group-version-kind", ()) if "metadata" in schema.get("properties", {})}
    return _Core(names, Resource.from_contents(data) @ Registry())


@lru_cache(maxsize=256)
def _judge(version: str, name: str) -> Judge:
    schema = {"$ref": f"{_DEFINITIONS}#/$defs/{name}"}
    judge: Judge = _validators()(schema, registry=_core(version).registry).iter_errors
    return judge


@lru_cache(maxsize=1)
def _custom() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    found = {}
    for path in sorted((files("obsc.verify") / "crds").iterdir(), key=lambda path: path.name):
        if path.name.endswith(".json"):
            data = json.loads(path.read_text("utf-8"))
            found[data["group"], data["kind"]] = data
    return found


@lru_cache(maxsize=64)
def _custom_judge(group: str, kind: str) -> Judge:
    judge: Judge = _validators()(_custom()[group, kind]["schema"]).iter_errors
    return judge


@lru_cache(maxsize=1)
def _validators() -> Any:  # noqa: ANN401  a class that jsonschema makes
    # By its name: the function is not typed.
    jsonschema = import_module("jsonschema")
    keywords = {"x-kubernetes-list-map-keys": _unique_keys, "x-kubernetes-list-type": _unique_items, "obsc-quantity": _quantity}
    return jsonschema.validators.extend(jsonschema.Draft202012Validator, keywords)


def _unique_keys(_validator: object, keys: list[str], data: object, _schema: object) -> Iterator[Exception]:
    seen: dict[object, int] = {}
    for index, item in enumerate(data if isinstance(data, list) else ()):
        # The one default of a key that Kubernetes has.
        own = tuple(str(at(item, key) if at(item, key) is not None else "TCP" if key == "protocol" else "") for key in keys)
        if seen.setdefault(own, index) != index:
            named = " and ".join(f"`{key}: {value}`" for key, value in zip(keys, own, strict=True))
            yield _error(f"item {seen[own] + 1} of the list has {named} too", "listed twice", index)


def _unique_items(_validator: object, form: str, data: object, _schema: object) -> Iterator[Exception]:
    listed = data if form == "set" and isinstance(data, list) else []
    for index, item in enumerate(listed):
        if item in listed[:index]:
            yield _error(f"{shown(item)} stands twice in a list that is a set", "listed twice", index)


def _quantity(_validator: object, _wanted: object, data: object, _schema: object) -> Iterator[Exception]:
    if isinstance(data, str) and not reasons.is_quantity(data):
        yield _error(f"{shown(data)} is no quantity", "quantity")


def _error(message: str, what: str, *path: int) -> Exception:
    error: Exception = import_module("jsonschema").ValidationError(message, validator=what, path=path)
    return error
