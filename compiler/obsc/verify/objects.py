"""What every Kubernetes object must be: named, labelled, small enough; and ConfigMaps whose keys are file names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from obsc import sizes
from obsc.source import Path
from obsc.verify.problem import Problem, below, mapping, shown

_ANNOTATIONS_LIMIT = 256 << 10
_DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_DNS}(\.{_DNS})*")
_LABEL = re.compile(rf"(?=.{{1,63}}\Z){_DNS}")
_LABEL_1035 = re.compile(r"(?=.{1,63}\Z)[a-z]([-a-z0-9]*[a-z0-9])?")
_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/%]+")
_WORD = r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?"
_LABEL_VALUE = re.compile(rf"(?=.{{0,63}}\Z)({_WORD})?")
_NAME_PART = re.compile(rf"(?=.{{1,63}}\Z){_WORD}")
_CONFIG_KEY = re.compile(r"(?!\.{1,2}\Z)(?=.{1,253}\Z)[-._a-zA-Z0-9]+")
_DNS_WORDS = "lower-case letters, digits and dashes between them"
# Kinds whose names go into a label or a hostname, and those whose names are any segment of a path.
_LABEL_KINDS = frozenset({"Namespace"})
_SERVICE_KINDS = frozenset({"Service"})
_SEGMENT_KINDS = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ClusterTrustBundle", "IPAddress", "APIService"})
_SERVER_SIDE = re.compile(r"(^|[,\s])ServerSideApply=true")


def check(data: Mapping[str, Any], size: int) -> Iterator[Problem]:
    """What is wrong with an object's metadata and size; `size` is its bytes as written."""
    yield from below(("metadata",), _metadata(mapping(data.get("metadata")), str(data.get("kind"))))
    yield from _size(data, size)
    if data.get("kind") in {"ConfigMap", "Secret"}:
        yield from _keys(data)


def check_labels(labels: object, path: Path = ()) -> Iterator[Problem]:
    """Labels, of an object or in a selector: qualified names, and values of at most 63 signs."""
    for key, value in mapping(labels).items():
        yield from _qualified(key, (*path, key), "label")
        if isinstance(value, str) and not _LABEL_VALUE.fullmatch(value):
            yield Problem("X611", (*path, key),
                          f"{shown(value)} is no value of a label, expected at most 63 letters, digits, `-`, `_` and `.`",
                          "what is longer belongs into an annotation" if len(value) > 63 else "")


def dns_label(name: object) -> bool:
    """Whether a name is a DNS label, as those of containers and volumes are."""
    return isinstance(name, str) and _LABEL.fullmatch(name) is not None


def _metadata(metadata: Mapping[str, Any], kind: str) -> Iterator[Problem]:
    name = metadata.get("name")
    if name is None and not metadata.get("generateName"):
        yield Problem("X608", (), "found no `name`, which must be there", "write `name:`")
    elif isinstance(name, str):
        yield from _name(name, kind)
    namespace = metadata.get("namespace")
    if isinstance(namespace, str) and not _LABEL.fullmatch(namespace):
        yield Problem("X610", ("namespace",), f"{shown(namespace)} is no namespace, expected at most 63 {_DNS_WORDS}", "")
    yield from check_labels(metadata.get("labels"), ("labels",))
    total = 0
    for key, value in mapping(metadata.get("annotations")).items():
        yield from _qualified(key, ("annotations", key), "annotation")
        total += len(key) + len(value.encode("utf-8", "replace")) if isinstance(value, str) else 0
    if total > _ANNOTATIONS_LIMIT:
        yield Problem("X617", ("annotations",), f"found {total >> 10} KiB of annotations, expected at most {_ANNOTATIONS_LIMIT >> 10}",
                      "move them into a ConfigMap")


def _name(name: str, kind: str) -> Iterator[Problem]:
    if kind in _SEGMENT_KINDS:
        good, expected = _SEGMENT, "no `/` and no `%`"
    elif kind in _SERVICE_KINDS:
        good, expected = _LABEL_1035, f"at most 63 {_DNS_WORDS}, a letter first"
    elif kind in _LABEL_KINDS:
        good, expected = _LABEL, f"at most 63 {_DNS_WORDS}"
    else:
        good, expected = _SUBDOMAIN, f"at most 253 {_DNS_WORDS}, in parts between dots"
    if not good.fullmatch(name):
        better = re.sub(r"[^a-z0-9.-]+", "-", name.lower()).strip("-.")
        yield Problem("X610", ("name",), f"{shown(name)} is no name of a {kind}, expected {expected}",
                      f"write `{better}`" if good.fullmatch(better) else "")
    elif kind == "CronJob" and len(name) > 52:
        yield Problem("X610", ("name",), f"the name has {len(name)} characters, the pods of a CronJob leave it 52", "shorten it")


def _qualified(key: str, path: Path, what: str) -> Iterator[Problem]:
    prefix, slash, name = key.rpartition("/")
    if not _NAME_PART.fullmatch(name) or (slash and not _SUBDOMAIN.fullmatch(prefix)):
        yield Problem("X611", path,
                      f"{shown(key)} is no name of a{'n' if what[0] == 'a' else ''} {what}, expected `name` or `dns.prefix/name`",
                      "", key=True)


def _keys(data: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for section in ("data", "binaryData", "stringData"):
        for key in mapping(data.get(section)):
            if not _CONFIG_KEY.fullmatch(key):
                yield Problem("X610", (section, key), f"{shown(key)} is no key, expected at most 253 letters, digits, `-`, `_` and `.`",
                              "", key=True)
            # A Secret's stringData is merged over its data.
            if key in seen and section == "binaryData":
                yield Problem("X606", (section, key), f"{shown(key)} stands in `data` too", "delete one of them", key=True)
            seen.add(key)


def _size(data: Mapping[str, Any], size: int) -> Iterator[Problem]:
    limit = sizes.limit(str(data.get("kind")))
    if size > limit:
        yield Problem("X617", ("kind",), f"the object has {-(-size // 1024)} KiB, its consumer takes at most {limit // 1024}", "split it")
    elif sizes.needs_server(data, size) and not _marked(data):
        yield Problem("X617", ("kind",),
                      f"the object has {-(-size // 1024)} KiB: kubectl apply cannot keep its copy of {sizes.CLIENT_SIDE_LIMIT >> 10} "
                      "KiB or more",
                      "annotate it with argocd.argoproj.io/sync-options: ServerSideApply=true, and apply it on the server's side")


def _marked(data: Mapping[str, Any]) -> bool:
    annotations = mapping(mapping(data.get("metadata")).get("annotations"))
    return _SERVER_SIDE.search(str(annotations.get("argocd.argoproj.io/sync-options", ""))) is not None
