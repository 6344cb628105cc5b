"""The language as JSON Schema (draft 2020-12), for editors and for checks without this program.

    obsc schema aiservice     {"$schema": …, "$id": …, "title": "AIService", "properties": …, "$defs": …}

A schema accepts what `validate.check` accepts of one document as it is written: nothing is required that another
layer may supply, and the word `null` may stand wherever it would remove something. That of catalog files, which stand
alone, requires everything. All of it is read from the models: a new field needs nothing here. What a validator of a
block checks beyond its fields, the block says itself, under `json_schema_extra` of its `model_config`.

JSON Schema has no words for, so that only this program finds: keys without a value and keys that stand twice; two
items of one name; that `2.0` is no whole number; durations above ten years, and numbers that rounding takes to a limit
(`99.9999999999999%`); texts that look like credentials; expressions that RE2 or PromQL refuses; the order of bucket
bounds and of readings; limits of size and depth; and whatever compares two values or asks another document.
"""

from __future__ import annotations

import inspect
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeAlias, get_args, get_origin

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from obsc import durations
from obsc.catalog.form import ProfileForm
from obsc.spec import partial
from obsc.spec.base import Block
from obsc.spec.partial import Part
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import Path, fields, typed_fields, words
from obsc.spec.service import NAMED_LISTS, AIService
from obsc.spec.types import Quantity

Schema: TypeAlias = dict[str, Any]
_Paths: TypeAlias = frozenset[Path]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_HOME = "https://obsc.dev/schemas/"
_MODELS: Mapping[str, type[Block]] = {"aiservice": AIService, "aiplatform": AIPlatform, "catalog": ProfileForm}
FILES: Mapping[str, str] = {
    "aiservice": "aiservice.v1alpha1.schema.json", "aiplatform": "aiplatform.v1alpha1.schema.json",
    "catalog": "catalog.schema.json"}
_NULL: Schema = {"type": "null"}
# One order of keywords, whatever wrote them.
_ORDER = ("$schema", "$id", "$ref", "title", "description", "type", "const", "enum", "anyOf", "allOf", "oneOf", "minLength",
          "maxLength", "pattern", "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "errorMessage", "default", "examples",
          "minItems", "maxItems", "items", "propertyNames", "properties", "required", "additionalProperties", "$defs")


def text(name: str) -> str:
    """The schema of this name (a key of `FILES`) as the text of its file."""
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"


def schema(name: str) -> Schema:
    """The schema of this name (a key of `FILES`)."""
    model = _MODELS[name]
    export = _Export(layered=model in partial.PARTS)
    needed = partial.ALWAYS if export.layered else frozenset()
    root = export.block(model, _Stand(needed=frozenset(needed)))
    return _tidy({"$schema": DIALECT, "$id": _HOME + FILES[name], **root, "$defs": dict(sorted(export.definitions.items()))})


@dataclass(frozen=True, slots=True)
class _Stand:
    """How a block stands at its place: paths that may not be in it; paths that no layer below supplies; its part's name."""

    fixed: _Paths = frozenset()
    needed: _Paths = frozenset()
    part: str = ""

    def below(self, key: str) -> _Stand:
        """The same for the block under a key."""
        return _Stand(_below(self.fixed, key), _below(self.needed, key))


def _below(paths: _Paths, key: str) -> _Paths:
    return frozenset(path[1:] for path in paths if path[0] == key and len(path) > 1)


@dataclass(slots=True)
class _Export:
    """Models → schemas. `layered`: other layers may supply what is missing and `null` removes."""

    layered: bool
    definitions: dict[str, Schema] = field(default_factory=dict)
    _names: dict[tuple[type[Block], _Stand], str] = field(default_factory=dict)

    def block(self, model: type[Block], stand: _Stand) -> Schema:
        """The schema of a mapping."""
        parts = {str(part.path[0]): part for part in partial.PARTS.get(model, ())}
        shown = {key: (info, typed_fields(model)[key]) for key, info in fields(model).items() if (key,) not in stand.fixed}
        required = [key for key, (info, _) in shown.items()
                    if info.is_required() and (not self.layered or (key,) in stand.needed)]
        properties = {}
        for key, (info, annotation) in shown.items():
            value = self._part(parts[key], annotation) if key in parts else self._value(annotation, stand.below(key), key)
            may_be_null = key not in required if self.layered else _has_none(annotation)
            properties[key] = _described(_or_null(value) if may_be_null else value, info, stand.below(key))
        extra = model.model_config.get("json_schema_extra")
        return {"title": model.__name__, "description": " ".join(inspect.cleandoc(model.__doc__ or "").split()),
                "type": "object", "properties": properties, **({"required": required} if required else {}),
                "additionalProperties": False, **(extra if isinstance(extra, dict) else {})}

    def _part(self, part: Part, annotation: Any) -> Schema:  # noqa: ANN401  any type may be annotated
        inner = self._reference(part.model, _Stand(frozenset(part.fixed), part=part.name))
        if part.path[1:] != (partial.ANY,):
            return inner
        keyed, _ = next(get_args(one) for one in _branches(annotation) if get_origin(one) is dict)
        return self._mapping(keyed, _or_null(inner))

    def _reference(self, model: type[Block], stand: _Stand) -> Schema:
        known = self._names.get((model, stand))
        if known is None:
            known = self._names[model, stand] = _name(model, stand, self.definitions)
            self.definitions[known] = {}  # a block may hold itself
            self.definitions[known] = self.block(model, stand)
        return {"$ref": f"#/$defs/{known}"}

    def _value(self, annotation: Any, stand: _Stand, key: str) -> Schema:  # noqa: ANN401
        """The schema of a value that is not null. `stand` counts for a block, `key` is the one that it is under."""
        branches = _branches(annotation)
        if not any(_is_collection(one) for one in branches):
            return _scalar(annotation)
        found = [self._branch(one, stand, key) if _is_collection(one) else _scalar(one) for one in branches]
        return found[0] if len(found) == 1 else {"anyOf": found}

    def _branch(self, annotation: Any, stand: _Stand, key: str) -> Schema:  # noqa: ANN401
        kind = _bare(annotation)
        if get_origin(kind) is tuple:
            item = get_args(kind)[0]
            inner = self._value(item, _Stand(needed=frozenset({("name",)} if key in NAMED_LISTS else ())), "")
            return {**_outside(annotation, tuple[Any, ...]),
                    "items": _or_null(inner) if not self.layered and _has_none(item) else inner}
        if get_origin(kind) is dict:
            keyed, value = get_args(kind)
            inner = self._value(value, _Stand(), "")
            null = self.layered or _has_none(value)
            return {**_outside(annotation, dict[str, Any]), **self._mapping(keyed, _or_null(inner) if null else inner)}
        return self._reference(kind, stand)

    @staticmethod
    def _mapping(keyed: Any, value: Schema) -> Schema:  # noqa: ANN401
        names = {key: one for key, one in _scalar(keyed).items() if key != "type"}
        return {"type": "object", **({"propertyNames": names} if names else {}), "additionalProperties": value}


def _name(model: type[Block], stand: _Stand, taken: Mapping[str, Schema]) -> str:
    name = model.__name__ + (stand.part.capitalize() if stand.part else "Overlay" if stand.fixed else "")
    return next(one for one in (name, *(f"{name}{number}" for number in range(2, 99))) if one not in taken)


def _described(value: Schema, info: FieldInfo, stand: _Stand) -> Schema:
    # That nothing is usual says no more than the description, and editors would offer it before the example.
    default = None if info.is_required() else _written(info.default, _unit(info))
    words = info.description or ""
    if "anyOf" in value:
        # Beside a word editors show what is said where it is listed.
        value = {**value, "anyOf": [{"description": words, **one} if "enum" in one else one for one in value["anyOf"]]}
    return {"description": words, **value, **({} if default in (None, "", {}, []) else {"default": default}),
            "examples": [_fitting(one, stand) for one in info.examples or ()]}


def _fitting(example: object, stand: _Stand) -> object:
    """An example of a block without what may not stand in it there."""
    if not isinstance(example, dict):
        return example
    return {key: _fitting(one, stand.below(key)) for key, one in example.items() if (key,) not in stand.fixed}


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def _written(value: object, unit: str = "") -> object:
    """A value of a model as a document has it: durations and ratios in their units, blocks without what is usual."""
    if isinstance(value, Quantity):
        return _written(value.value, value.kind)
    if isinstance(value, Block):
        return {info.alias or name: _written(getattr(value, name), _unit(info))
                for name, info in type(value).model_fields.items() if getattr(value, name) != info.default}
    if isinstance(value, dict):
        return {key: _written(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_written(one, unit) for one in value]
    if isinstance(value, float) and unit == "duration":
        return durations.show(value)
    return f"{durations.number(value * 100)}%" if isinstance(value, float) and unit == "ratio" else value


def _branches(annotation: Any) -> list[Any]:  # noqa: ANN401
    """The branches of an annotation without None. A union of scalars that says its form in words is one branch."""
    plain = _bare(annotation)
    if get_origin(plain) not in {typing.Union, types.UnionType}:
        return [annotation]
    found = [one for one in get_args(plain) if one is not type(None)]
    return [annotation] if plain is not annotation and not any(map(_is_collection, found)) else found


def _bare(annotation: Any) -> Any:  # noqa: ANN401
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _is_collection(annotation: Any) -> bool:  # noqa: ANN401
    kind = _bare(annotation)
    return get_origin(kind) in {tuple, dict} or (isinstance(kind, type) and issubclass(kind, Block))


def _has_none(annotation: Any) -> bool:  # noqa: ANN401
    plain = _bare(annotation)
    return get_origin(plain) in {typing.Union, types.UnionType} and type(None) in get_args(plain)


def _outside(annotation: Any, kind: Any) -> Schema:  # noqa: ANN401
    """What an annotation asks of a list or mapping as a whole, such as its length."""
    meta = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return TypeAdapter(Annotated[kind, *meta] if meta else kind).json_schema()


def _scalar(annotation: Any) -> Schema:  # noqa: ANN401
    """The schema of a value without a structure, and what editors say where it does not fit, instead of a pattern."""
    plain: Any = typing.Union[*_branches(annotation)]
    found = TypeAdapter(plain).json_schema()
    return _with_words(found, f"expected {words(annotation)}") if found else found


def _with_words(found: Schema, said: str) -> Schema:
    inner: Schema = {key: [_with_words(one, said) for one in found[key]] for key in ("anyOf", "allOf") if key in found}
    return {**found, **inner, **({"errorMessage": said} if {"type", "pattern"} & found.keys() else {})}


def _or_null(found: Schema) -> Schema:
    if "anyOf" in found:
        return {**found, "anyOf": [*found["anyOf"], _NULL]}
    if "enum" in found or "const" in found:
        return {**{key: one for key, one in found.items() if key != "const"}, "type": [found["type"], "null"],
                "enum": [*found.get("enum", [found.get("const")]), None]}
    if "type" in found:
        return {**found, "type": [found["type"], "null"]}
    return {"anyOf": [found, _NULL]} if found else found


def _tidy(found: Schema) -> Schema:
    """The same schema with its keywords in order."""
    tidy: Schema = {}
    for key in sorted(found, key=lambda key: (_ORDER.index(key) if key in _ORDER else len(_ORDER), key)):
        value = found[key]
        if key in {"properties", "$defs"}:
            value = {name: _tidy(one) for name, one in value.items()}
        elif key in {"anyOf", "allOf", "oneOf"}:
            value = [_tidy(one) for one in value]
        elif key in {"items", "propertyNames", "additionalProperties"} and isinstance(value, dict):
            value = _tidy(value)
        tidy[key] = value
    return tidy
