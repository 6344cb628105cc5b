"""What a document is, and by which checks it is judged: a table for objects, a table for configuration files."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from obsc.source import Path
from obsc.verify import alertmanager, collector, dashboards, filebeat, forms, objects, prometheus, rules, schemas, workloads
from obsc.verify.pieces import JSON_END, YAML_ENDS
from obsc.verify.problem import Problem, at, below, items, mapping

_OWN_LANGUAGE = "obsc.dev/"
_LARGEST_UNPACKED = 8 << 20
_PROMETHEUS_KEYS = frozenset({"scrape_configs", "rule_files", "remote_write", "remote_read", "scrape_config_files", "alerting"})
_MONITORS = frozenset({"ServiceMonitor", "PodMonitor", "Probe", "ScrapeConfig"})
Check = Callable[[object], Iterator[Problem]]


class Text(NamedTuple):
    """A text within an object that is a file to somebody: its path, the name of the file, the text."""

    path: Path
    name: str
    text: str


CONFIGURATIONS: dict[str, Check] = {
    "rules": rules.check_file,
    "rule tests": lambda data: forms.check("rule_tests", data),
    "prometheus": prometheus.check_config,
    "scrape file": prometheus.check_scrape_file,
    "targets": prometheus.check_targets_file,
    "alertmanager": alertmanager.check_config,
    "collector": collector.check,
    "filebeat": filebeat.check_config,
    "filebeat inputs": filebeat.check_inputs,
    "dashboard": dashboards.check,
    "providers": lambda data: forms.check("providers", data),
    "datasources": lambda data: forms.check("datasources", data),
}
# A file of such a name is what it says, however little it looks like it.
_BY_NAME = {"prometheus": "prometheus", "alertmanager": "alertmanager", "filebeat": "filebeat", "rules": "rules", "dashboard": "dashboard"}


def configuration(name: str, data: object) -> str:
    """The kind of a configuration file, a key of `CONFIGURATIONS`; "" for what is none that is known."""
    if isinstance(data, list):
        return _of_list(data)
    keys = frozenset(mapping(data))
    if {"rule_files", "tests"} <= keys:
        return "rule tests"
    if isinstance(at(data, "groups"), list) and not keys - {"groups", "namespace"}:
        return "rules"
    if keys == {"scrape_configs"} and name != "prometheus.yml":
        return "scrape file"
    if keys & _PROMETHEUS_KEYS:
        return "prometheus"
    return _by_shape(data, keys) or _BY_NAME.get(name.rpartition(".")[0], "")


def _of_list(data: list[Any]) -> str:
    first = mapping(data[0]) if data else {}
    if "targets" in first:
        return "targets"
    return "filebeat inputs" if "type" in first and {"paths", "id", "parsers", "processors"} & set(first) else ""


def _by_shape(data: object, keys: frozenset[str]) -> str:
    if {"route", "receivers"} <= keys:
        return "alertmanager"
    if isinstance(at(data, "service", "pipelines"), dict) or {"receivers", "exporters"} <= keys:
        return "collector"
    if any(key.split(".")[0] == "filebeat" for key in keys):
        return "filebeat"
    if isinstance(at(data, "panels"), list) and keys & {"title", "schemaVersion", "templating"}:
        return "dashboard"
    if at(data, "apiVersion") == 1:
        return next((kind for kind in ("providers", "datasources") if kind in keys), "")
    return ""


def is_object(data: object) -> bool:
    """Whether a document is meant for the API server. Configuration of programs may have an apiVersion and a kind too."""
    said = [key for key in ("apiVersion", "kind") if isinstance(at(data, key), str)]
    if isinstance(at(data, "metadata"), dict) or isinstance(at(data, "items"), list):
        return bool(said)
    return len(said) == 2 and schemas.is_core(at(data, "apiVersion").rpartition("/")[0])


def is_spec(data: object) -> bool:
    """Whether a document is a source of the compiler and none of its outputs."""
    return str(at(data, "apiVersion")).startswith(_OWN_LANGUAGE)


def members(data: object) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The objects of a document: itself, or the items of a List."""
    if str(at(data, "kind")).endswith("List") and isinstance(at(data, "items"), list):
        for index, item in enumerate(items(at(data, "items"))):
            yield ("items", index), mapping(item)
    else:
        yield (), mapping(data)


def check_object(data: Mapping[str, Any], version: str, size: int) -> Iterator[Problem]:
    """What is wrong with an object, but for the files that it holds (`texts`)."""
    for key in ("apiVersion", "kind"):
        if not isinstance(data.get(key), str):
            yield Problem("X608", (), f"found no `{key}`, which must be there", f"write `{key}:`", key=True)
            return
    yield from schemas.check(data, version)
    yield from objects.check(data, size)
    yield from workloads.check(data)
    kind = data["kind"]
    if kind == "PrometheusRule":
        yield from below(("spec",), rules.check_groups(mapping(data.get("spec"))))
    elif kind == "AlertmanagerConfig":
        yield from alertmanager.check_resource(data)
    elif kind in _MONITORS:
        yield from prometheus.check_resource(kind, data)
    elif kind == "OpenTelemetryCollector" and isinstance(at(data, "spec", "config"), dict):
        yield from below(("spec", "config"), collector.check(at(data, "spec", "config")))
    elif kind == "GrafanaDashboard":
        yield from _folders(data)


def _folders(data: Mapping[str, Any]) -> Iterator[Problem]:
    """Of the CEL rules of the schemas, the one that is about what a manifest may say."""
    given = [key for key in ("folder", "folderRef", "folderUID") if at(data, "spec", key)]
    if len(given) > 1:
        yield Problem("X605", ("spec", given[1]), f"found `{given[0]}` and `{given[1]}`, expected one of them", "delete one", key=True)


def texts(data: Mapping[str, Any]) -> Iterator[Text]:
    """The files that an object holds as text. Secrets are never opened."""
    kind = data.get("kind")
    if kind == "ConfigMap":
        for key, value in mapping(data.get("data")).items():
            if isinstance(value, str) and key.endswith((*YAML_ENDS, JSON_END)):
                yield Text(("data", key), key, value)
    elif kind == "GrafanaDashboard":
        written, packed = at(data, "spec", "json"), at(data, "spec", "gzipJson")
        if isinstance(written, str):
            yield Text(("spec", "json"), "dashboard.json", written)
        elif isinstance(packed, str):
            yield Text(("spec", "gzipJson"), "dashboard.json", _unpacked(packed))
    elif kind == "OpenTelemetryCollector" and isinstance(at(data, "spec", "config"), str):
        yield Text(("spec", "config"), "collector.yaml", data["spec"]["config"])


def _unpacked(packed: str) -> str:
    """The text of base64 of gzip, or what is no JSON either: then reading it says so at its place."""
    try:
        return zlib.decompressobj(31).decompress(base64.b64decode(packed, validate=True), _LARGEST_UNPACKED).decode("utf-8", "replace")
    except (binascii.Error, zlib.error, ValueError):
        return ""
