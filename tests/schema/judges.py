"""The two judges of a document: the models, as `validate.check` asks them, and the published schema, as anybody can."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import jsonschema
from pydantic import ValidationError

from obsc import schema
from obsc.catalog.form import ProfileForm
from obsc.diagnostics import Place, Sink
from obsc.source import Document, Node, load, plain
from obsc.validate import check

# What a schema can say: keys, forms, names and what is missing. Two items of one name, credentials and limits it cannot.
EXPRESSIBLE = frozenset({"V101", "V102", "V103", "V104", "V105", "V106", "V107"})
_HERE = Place("spec.yaml")
_KINDS = {"AIService": "aiservice", "AIPlatform": "aiplatform"}


@dataclass(frozen=True)
class Verdict:
    """What both judges say of a document: the models all, the schema its first objection.

    `beyond`: the models refuse it for a reason that no schema can give.
    """

    models: tuple[str, ...]
    schema: tuple[str, ...]
    beyond: bool = False

    @property
    def agreed(self) -> bool:
        """Whether both accept or both refuse, as far as a schema can."""
        return self.beyond or bool(self.models) == bool(self.schema)


def documents(*files: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The documents of files as plain data, each with the name of its schema (of a catalog file: `catalog`)."""
    for file in files:
        for document in load(file.name, file.read_bytes(), Sink()).documents:
            found = plain(document.root)
            assert isinstance(found, dict)
            yield _KINDS.get(str(found.get("kind")), "catalog"), found


def judge(name: str, data: object) -> Verdict:
    """What the models and the schema of this name say of a document."""
    said = tuple(f"{error.json_path}: {error.message[:200]}" for error in islice(validator(name).iter_errors(data), 1))
    if name == "catalog":
        return Verdict(_form_errors(data), said)
    sink = Sink()
    check(Document("spec.yaml", _node(data)), sink)
    found = [(one.code, f"{one.path}: {one.message}") for one in sink]
    return Verdict(tuple(text for code, text in found if code in EXPRESSIBLE), said, any(code not in EXPRESSIBLE for code, _ in found))


@functools.cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """The schema of this name, ready to judge."""
    return jsonschema.Draft202012Validator(schema.schema(name))


def _form_errors(data: object) -> tuple[str, ...]:
    try:
        ProfileForm.model_validate(_tuples(data))
    except ValidationError as error:
        return tuple(f"{one['loc']}: {one['msg']}" for one in error.errors())
    return ()


def _tuples(data: object) -> object:
    if isinstance(data, Mapping):
        return {key: _tuples(one) for key, one in data.items()}
    return tuple(map(_tuples, data)) if isinstance(data, list) else data


def _node(value: object) -> Node:
    """A tree as the loader would make it, all in one place."""
    if isinstance(value, Mapping):
        return Node({key: _node(one) for key, one in value.items()}, _HERE, dict.fromkeys(value, _HERE))
    if isinstance(value, list):
        return Node(tuple(map(_node, value)), _HERE)
    assert value is None or isinstance(value, str | int | float | bool)
    return Node(value, _HERE, None, "null" if value is None else str(value), null_word=value is None)


def filled(name: str) -> dict[str, Any]:
    """A document that has every key of the language once, made of the schema's own examples."""
    root = schema.schema(name)
    found = _filled(root, root, None)
    assert isinstance(found, dict)
    return found


def _filled(root: schema.Schema, part: schema.Schema, example: Any) -> object:  # noqa: ANN401  an example is any data
    part, example = _resolved(root, part), (part.get("examples") or [example])[0]
    if "properties" in part:
        return {key: _filled(root, one, None) for key, one in part["properties"].items()}
    if isinstance(part.get("additionalProperties"), dict) and isinstance(example, dict):
        key, value = next(iter(example.items()))
        return {key: _filled(root, part["additionalProperties"], value)}
    if "items" in part and isinstance(example, list):
        return [_filled(root, part["items"], one) for one in example[:1]]
    return example


def _resolved(root: schema.Schema, part: schema.Schema) -> schema.Schema:
    """The structure that a schema asks for, past references and `null`."""
    while "$ref" in part or "anyOf" in part:
        inner = [part] if "$ref" in part else part["anyOf"]
        found = next((one for one in inner if "$ref" in one or "items" in one or "properties" in one), None)
        if found is None:
            return part
        part = root["$defs"][found["$ref"].rpartition("/")[2]] if "$ref" in found else found
    return part
