"""What the models say of a place of the language: its keys, its form in words, its example, whether it is needed.

Everything is read from the models' annotations, so that a message cannot say other than what is checked.
"""

from __future__ import annotations

import types
import typing
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import StringConstraints
from pydantic.fields import FieldInfo

from obsc.spec.base import Block
from obsc.spec.metrics import SecretKeyRef
from obsc.spec.types import Form

Path = tuple[str | int, ...]
_SIMPLE: dict[type, str] = {bool: "true or false", str: "text", object: "a value", tuple: "a list", dict: "a mapping"}


@dataclass(frozen=True, slots=True)
class Site:
    """Facts on one place of the language.

    `words` is the form of its value and `key_words` that of its keys, where they are names and not fixed; `keys`
    and `later` are those of the block that stands there; `accepts` are the plain types that fit and
    `patterns` the forms of texts that do; `secret`: only a reference to a Secret fits; `optional`: the value, item or
    entry may be left out.
    """

    description: str = ""
    example: object = None
    words: str = ""
    key_words: str = ""
    keys: tuple[str, ...] = ()
    later: Mapping[str, str] = field(default_factory=dict)
    later_values: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[str, ...] = ()
    accepts: frozenset[type] = frozenset()
    patterns: tuple[str, ...] = ()
    secret: bool = False
    optional: bool = True


def fields(model: type[Block]) -> dict[str, FieldInfo]:
    """Fields of a block by key."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


@lru_cache(maxsize=256)
def typed_fields(model: type[Block]) -> dict[str, Any]:
    """Annotations of a block's fields by key, with what `Annotated` adds."""
    hints = typing.get_type_hints(model, include_extras=True)
    return {info.alias or name: hints[name] for name, info in model.model_fields.items()}


def trace(model: type[Block], loc: tuple[int | str, ...], *, unknown: bool) -> tuple[Path, bool]:
    """The path in the document that pydantic's `loc` means, and whether it means the key and not the value.

    A `loc` also names branches of unions and validators; only the annotations tell them from keys. `unknown`:
    the error is about a key that the block there does not have.
    """
    path: Path = ()
    annotation: Any = model
    named = False
    for step in loc:
        if step == "[key]" and named and not unknown:
            return path, True
        inner = _below(annotation, step)
        if inner is not None:
            named = isinstance(step, str) and _block(annotation) is None
            path, annotation = (*path, step), inner
        elif _block(annotation) is not None and isinstance(step, str):
            return (*path, step), True
    return path, False


@lru_cache(maxsize=1024)
def site(model: type[Block], path: Path) -> Site:
    """Facts on the place at a path; on the nearest place above it where the path leaves the language."""
    annotation: Any = model
    found = Site(optional=False)
    for step in path:
        inner = _below(annotation, step)
        if inner is None:
            break
        block = _block(annotation)
        if block is not None and isinstance(step, str):
            info = fields(block)[step]
            found = Site(info.description or "", (info.examples or [None])[0], optional=not info.is_required(),
                         later_values=block.later_values.get(step, {}))
        else:
            found = Site(found.description, _inside(found.example, step), later_values=found.later_values)
        annotation = inner
    return _with_annotation(found, annotation)


def homes(model: type[Block], key: str) -> tuple[str, ...]:
    """Where in the language a key is known: `metrics.endpoints[]` for `port`, nearest to the top ("") first."""
    return _homes(model).get(key, ())


@lru_cache(maxsize=16)
def _homes(model: type[Block]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = defaultdict(set)
    for where, block in blocks(model):
        for key in typed_fields(block):
            found[key].add(where)
    return {key: tuple(sorted((one for one in places if not _repeats(one, places)),
                              key=lambda where: (where.count(".") + where.count("["), where)))
            for key, places in found.items()}


def _repeats(where: str, places: set[str]) -> bool:
    """Whether a place is in a component and its service has the same one: naming that tells enough."""
    own = where.removeprefix("components[]")
    return own != where and own.removeprefix(".") in places


def blocks(model: type[Block]) -> Iterator[tuple[str, type[Block]]]:
    """Every block of a document with its place, such as `metrics.endpoints[]`, the document itself (`""`) first."""
    pending: list[tuple[str, Any]] = [("", model)]
    while pending:
        where, annotation = pending.pop()
        for kind, _ in _options(annotation):
            if isinstance(kind, type) and issubclass(kind, Block):
                yield where, kind
                pending += [(f"{where}.{key}" if where else key, inner) for key, inner in typed_fields(kind).items()]
            elif get_origin(kind) is tuple:
                pending.append((f"{where}[]", get_args(kind)[0]))
            elif get_origin(kind) is dict:
                pending.append((f"{where}.<name>", get_args(kind)[1]))


def _with_annotation(found: Site, annotation: Any) -> Site:  # noqa: ANN401  any type may be annotated
    block = _block(annotation)
    options = _options(annotation)
    keyed = next((get_args(kind)[0] for kind, _ in options if get_origin(kind) is dict), None)
    return Site(
        found.description, found.example, words(annotation), words(keyed) if keyed is not None else "",
        tuple(typed_fields(block)) if block is not None else (), dict(block.later) if block is not None else {},
        found.later_values, _choices(annotation), _accepts(annotation),
        _patterns(annotation), block is SecretKeyRef, found.optional)


def words(annotation: Any) -> str:  # noqa: ANN401
    """The form that an annotation asks for, in words."""
    forms = dict.fromkeys(_form(kind, meta) for kind, meta in _options(annotation))
    if "a number" in forms:
        forms.pop("a whole number", None)
    return " or ".join(forms)


def _form(kind: Any, meta: tuple[Any, ...]) -> str:  # noqa: ANN401
    said = next((one.words for one in meta if isinstance(one, Form)), None)
    if said is not None:
        return said
    if get_origin(kind) is Literal:
        values = ", ".join(f"`{value}`" for value in get_args(kind))
        return f"one of {values}" if len(get_args(kind)) > 1 else values
    if kind is SecretKeyRef:
        return "a reference `{name, key}` to a Secret"
    if kind in {int, float}:
        return _number("a whole number" if kind is int else "a number", meta)
    return _SIMPLE[_kind(kind)]


def _number(name: str, meta: tuple[Any, ...]) -> str:
    limits = {key: getattr(one, key) for info in meta if isinstance(info, FieldInfo) for one in info.metadata
              for key in ("gt", "ge", "lt", "le") if hasattr(one, key)}
    if "ge" in limits and "le" in limits:
        return f"{name} from {limits['ge']} to {limits['le']}"
    signs = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}
    return " ".join([name, *(f"{signs[key]} {value}" for key, value in limits.items())])


def _options(annotation: Any, meta: tuple[Any, ...] = (), *,  # noqa: ANN401
             split: bool = False) -> list[tuple[Any, tuple[Any, ...]]]:
    """The branches of an annotation without None, each with what `Annotated` adds.

    A union that says its form in words is one branch, unless `split`.
    """
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _options(args[0], (*meta, *args[1:]), split=split)
    if origin in {typing.Union, types.UnionType} and (split or not any(isinstance(one, Form) for one in meta)):
        return [found for arg in args if arg is not type(None) for found in _options(arg, meta, split=split)]
    return [(annotation, meta)]


def _accepts(annotation: Any) -> frozenset[type]:  # noqa: ANN401
    return frozenset(_kind(kind) for kind, _ in _options(annotation, split=True))


def _patterns(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401
    meta = [one for _, meta in _options(annotation, split=True) for one in meta]
    return tuple(str(one.pattern) for one in meta if isinstance(one, StringConstraints) and one.pattern is not None)


def _kind(kind: Any) -> type:  # noqa: ANN401
    """The plain type of a branch as documents have it: a block is a dict."""
    origin = get_origin(kind)
    if origin in {tuple, dict}:
        return tuple if origin is tuple else dict
    if isinstance(kind, type):
        return dict if issubclass(kind, Block) else kind
    return str


def _block(annotation: Any) -> type[Block] | None:  # noqa: ANN401
    return next((one for one, _ in _options(annotation) if isinstance(one, type) and issubclass(one, Block)), None)


def _below(annotation: Any, step: str | int) -> Any:  # noqa: ANN401
    """The annotation of an item, an entry or a field; None where there is no such thing."""
    for kind, _ in _options(annotation):
        origin, args = get_origin(kind), get_args(kind)
        if isinstance(step, int) and origin is tuple:
            return args[0]
        if isinstance(step, str) and origin is dict:
            return args[1]
        if isinstance(step, str) and isinstance(kind, type) and issubclass(kind, Block) and step in typed_fields(kind):
            return typed_fields(kind)[step]
    return None


def _inside(example: object, step: str | int) -> object:
    if isinstance(example, list | tuple) and example:
        return example[0]
    if isinstance(example, dict) and example:
        return example.get(step, next(iter(example.values())))
    return None


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401
    return tuple(str(value) for kind, _ in _options(annotation) if get_origin(kind) is Literal for value in get_args(kind))


def scalars(model: type[Block], prefix: Path = ()) -> Iterator[tuple[Path, object]]:
    """Paths of a block's optional single values, below blocks but not in lists and maps, each with its example."""
    for key, annotation in typed_fields(model).items():
        inner = _block(annotation)
        if inner is not None:
            yield from scalars(inner, (*prefix, key))
            continue
        info = fields(model)[key]
        example = (info.examples or [None])[0]
        if not info.is_required() and isinstance(example, bool | int | float | str):
            yield (*prefix, key), example
