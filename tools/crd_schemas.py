"""Make compiler/obsc/verify/crds/: the schemas of the custom resources that obsc emits, from their operators' modules.

`python tools/crd_schemas.py` downloads each module through the Go module proxy (`go mod download`), checks the hash of its
archive and writes one JSON file per kind and a NOTICE. What validates is kept; descriptions, defaults, status and rules in
CEL are not. What differs from JSON Schema is translated:

- unknown fields are refused wherever the API server would prune them,
- `nullable` and `x-kubernetes-int-or-string` become types,
- flags in the middle of a Go expression move to its start, where Python reads them,
- the keys of list-maps and sets stay, as keywords that `verify` knows.

Subtrees that repeat become definitions, which makes the files four times smaller.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from obsc.diagnostics import Sink
from obsc.source import load, plain

TARGET = Path(__file__).parents[1] / "compiler" / "obsc" / "verify" / "crds"
FORGOTTEN = frozenset({"description", "default", "example", "format", "nullable", "title", "x-kubernetes-validations",
                       "x-kubernetes-map-type", "x-kubernetes-embedded-resource"})
SMALLEST_DEFINITION = 200  # characters of a subtree that is worth a reference


class Origin(NamedTuple):
    """A module, the hash of its archive, the folder of its definitions, and the kinds that are wanted."""

    module: str
    version: str
    archive: str
    folder: str
    kinds: tuple[tuple[str, str], ...]
    notice: str = ""


ORIGINS = (
    Origin("github.com/prometheus-operator/prometheus-operator", "v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
           "example/prometheus-operator-crd",
           (("AlertmanagerConfig", "v1alpha1"), ("PodMonitor", "v1"), ("Probe", "v1"), ("Prometheus", "v1"),
            ("PrometheusRule", "v1"), ("ScrapeConfig", "v1alpha1"), ("ServiceMonitor", "v1")),
           "CoreOS Project, Copyright 2015 CoreOS, Inc. This product includes software developed at CoreOS, Inc."),
    Origin("github.com/open-telemetry/opentelemetry-operator", "v0.140.0", "h1:yHwVEn1vjQ7n9OoOZX/rsgur+YozIKNjCoWSk6EAhvw=",
           "config/crd/bases", (("OpenTelemetryCollector", "v1beta1"),)),
    Origin("github.com/grafana/grafana-operator/v5", "v5.18.0", "h1:ei7N2VfjsRjY8iprenH1IDV783WeV7CP5VNp//sB4hI=",
           "config/crd/bases", (("GrafanaDashboard", "v1beta1"),)),
)


def main() -> int:
    """Write every schema; 1 if an archive is not the pinned one or lacks a kind."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for origin in ORIGINS:
        found = dict(_schemas(origin))
        if set(found) != set(origin.kinds):
            print(f"{origin.module}: no {sorted(set(origin.kinds) - set(found))}", file=sys.stderr)
            return 1
        for (kind, version), (group, schema) in sorted(found.items()):
            data = {"group": group, "version": version, "kind": kind, "origin": f"{origin.module}@{origin.version}",
                    "schema": _shared(schema)}
            (TARGET / f"{kind.lower()}.json").write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    (TARGET / "NOTICE").write_text(_notice())
    return 0


def _schemas(origin: Origin) -> Iterator[tuple[tuple[str, str], tuple[str, dict[str, Any]]]]:
    for path in sorted((_module(origin) / origin.folder).glob("*.yaml")):
        sink = Sink()
        for document in load(path.name, path.read_bytes(), sink).documents:
            definition = plain(document.root)
            spec: Any = definition.get("spec", {}) if isinstance(definition, dict) else {}
            kind = spec.get("names", {}).get("kind")
            for version in spec.get("versions", ()):
                if (kind, version["name"]) in origin.kinds:
                    schema = strict(version["schema"]["openAPIV3Schema"])
                    # Both are checked by Kubernetes' own schema, or not at all.
                    schema["properties"] |= {"metadata": {"type": "object"}, "status": {}}
                    yield (kind, version["name"]), (spec["group"], schema)


def _module(origin: Origin) -> Path:
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(["go", "mod", "download", "-json", f"{origin.module}@{origin.version}"], cwd=empty,
                              capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    if answer["Sum"] != origin.archive:
        raise SystemExit(f"{origin.module}: the archive's hash is {answer['Sum']}, not {origin.archive}")
    return Path(answer["Dir"])


def strict(schema: dict[str, Any], *, values_only: bool = False) -> dict[str, Any]:
    """A structural schema as JSON Schema that refuses what the API server would prune.

    Within allOf, anyOf, oneOf and not (`values_only`), a structural schema only judges values and declares no fields.
    """
    out: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            out[key] = {name: strict(one, values_only=values_only) for name, one in value.items()}
        elif key in {"items", "additionalProperties", "not"} and isinstance(value, dict):
            out[key] = strict(value, values_only=values_only or key == "not")
        elif key in {"allOf", "anyOf", "oneOf"}:
            out[key] = [strict(one, values_only=True) for one in value]
        elif key == "pattern":
            out[key] = _python_pattern(value)
        elif key not in FORGOTTEN:
            out[key] = value
    if out.pop("x-kubernetes-int-or-string", False):
        out.pop("anyOf", None)
        out["type"] = ["integer", "string"]
    if schema.get("nullable") and "type" in out:
        out["type"] = [*([out["type"]] if isinstance(out["type"], str) else out["type"]), "null"]
    kept = out.pop("x-kubernetes-preserve-unknown-fields", False)
    if not values_only and schema.get("type") == "object" and "additionalProperties" not in out and not kept:
        out["additionalProperties"] = False
    return out


def _python_pattern(pattern: str) -> str:
    found = re.search(r"\(\?([a-z]+)\)", pattern)
    if found is not None and found.start() > 0:
        pattern = found.group() + pattern.replace(found.group(), "")
    re.compile(pattern)
    return pattern


def _shared(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with subtrees that repeat as definitions."""
    seen: Counter[str] = Counter()
    _count(schema, seen)
    names: dict[str, str] = {}
    for text, count in seen.items():
        if count > 1 and len(text) >= SMALLEST_DEFINITION:
            names[text] = f"d{len(names)}"
    definitions: dict[str, Any] = {}
    # The whole is a subtree of nothing, so it never refers to itself; definitions refer to smaller ones.
    for text, name in names.items():
        definitions[name] = _referred(json.loads(text), names, text)
    whole: dict[str, Any] = _referred(schema, names, "")
    used = _used(whole, definitions)
    kept = {name: one for name, one in definitions.items() if name in used}
    if _spelled_out(whole, kept) != schema:
        raise SystemExit("a definition does not stand for what it replaces")
    return {**whole, "$defs": kept}


def _spelled_out(tree: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401
    if isinstance(tree, dict):
        if isinstance(tree.get("$ref"), str):
            return _spelled_out(definitions[tree["$ref"].rpartition("/")[2]], definitions)
        return {key: _spelled_out(value, definitions) for key, value in tree.items()}
    return [_spelled_out(item, definitions) for item in tree] if isinstance(tree, list) else tree


def _text(tree: object) -> str:
    return json.dumps(tree, sort_keys=True, separators=(",", ":"))


def _is_schema(tree: Any) -> bool:  # noqa: ANN401
    """Whether a mapping is a schema, and not a mapping of fields one of which is called `type`."""
    return isinstance(tree, dict) and isinstance(tree.get("type"), str | list)


def _count(tree: Any, seen: Counter[str]) -> None:  # noqa: ANN401
    if isinstance(tree, dict):
        if _is_schema(tree):
            seen[_text(tree)] += 1
        for value in tree.values():
            _count(value, seen)
    elif isinstance(tree, list):
        for item in tree:
            _count(item, seen)


def _referred(tree: Any, names: dict[str, str], own: str) -> Any:  # noqa: ANN401
    if isinstance(tree, dict):
        text = _text(tree) if _is_schema(tree) else ""
        if text != own and text in names:
            return {"$ref": f"#/$defs/{names[text]}"}
        return {key: _referred(value, names, "") for key, value in tree.items()}
    return [_referred(item, names, "") for item in tree] if isinstance(tree, list) else tree


def _used(whole: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    used: set[str] = set()
    todo = [whole]
    while todo:
        for name in re.findall(r'"#/\$defs/(d\d+)"', json.dumps(todo.pop())):
            if name not in used:
                used.add(name)
                todo.append(definitions[name])
    return used


def _notice() -> str:
    lines = ["The files of this folder were made by tools/crd_schemas.py from definitions of custom resources in these modules.",
             "Each is licensed under the Apache License, Version 2.0 (the text is in the LICENSE file of obsc), and was changed:",
             "descriptions, defaults and validation rules in CEL were removed, and the rest was translated into JSON Schema.", ""]
    for origin in ORIGINS:
        lines += [f"{origin.module} {origin.version}",
                  f"  {origin.folder}: {', '.join(f'{kind} {version}' for kind, version in origin.kinds)}"]
        lines += [f"  {origin.notice}"] if origin.notice else []
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
