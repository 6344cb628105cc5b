"""What the models say of a path of a document: its keys, choices, example and form, for messages and schemas."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from obsc import emit_inline
from obsc.spec.base import Block

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """Facts on one place of the language."""

    description: str = ""
    example: object = None
    keys: tuple[str, ...] = ()
    later: dict[str, str] = field(default_factory=dict)
    later_values: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def expected(self) -> str:
        """What belongs there, in words."""
        text = self.description.rstrip(".") or "something else"
        return text[:1].lower() + text[1:]

    @property
    def example_hint(self) -> str:
        """A valid value, ready to be written."""
        return f"for example `{emit_inline.flow(self.example)}`" if self.example is not None else ""


def key_of(name: str, info: FieldInfo) -> str:
    """The key of a field in documents."""
    return info.alias or name


def fields(model: type[Block]) -> dict[str, FieldInfo]:
    """Fields of a block by key."""
    return {key_of(name, info): info for name, info in model.model_fields.items()}


def site(model: type[Block], path: Path) -> Site:
    """Facts on the place at a path; what is known of the nearest place above it where the path leaves the language."""
    annotation: Any = model
    owner: type[Block] | None = model
    info: FieldInfo | None = None
    for step in path:
        block = _block(annotation)
        if block is not None and isinstance(step, str):
            found = fields(block).get(step)
            if found is None:
                break
            owner, info, annotation = block, found, found.annotation
        else:
            inner = _item(annotation)
            if inner is None:
                break
            annotation = inner
    return _site(annotation, owner, info)


def _site(annotation: Any, owner: type[Block] | None, info: FieldInfo | None) -> Site:  # noqa: ANN401  any type may be annotated
    block = _block(annotation)
    later_values: tuple[str, ...] = ()
    if info is not None and owner is not None:
        name = next(key for key, one in fields(owner).items() if one is info)
        later_values = tuple(owner.later_values.get(name, ()))
    return Site(
        description=info.description or "" if info is not None else "",
        example=(info.examples or [None])[0] if info is not None else None,
        keys=tuple(fields(block)) if block is not None else (),
        later=dict(block.later) if block is not None else {},
        later_values=later_values, choices=_choices(annotation))


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _members(get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return [inner for arg in get_args(annotation) for inner in _members(arg)]
    return [annotation]


def _block(annotation: Any) -> type[Block] | None:  # noqa: ANN401
    return next((one for one in _members(annotation) if isinstance(one, type) and issubclass(one, Block)), None)


def _item(annotation: Any) -> Any:  # noqa: ANN401
    for one in _members(annotation):
        origin, args = get_origin(one), get_args(one)
        if origin is tuple and args:
            return args[0]
        if origin is dict and len(args) == 2:
            return args[1]
    return None


def _choices(annotation: Any) -> tuple[str, ...]:  # noqa: ANN401
    found = [str(value) for one in _members(annotation) if get_origin(one) is Literal for value in get_args(one)]
    return tuple(found)
