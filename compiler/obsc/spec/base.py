"""What every block of the language shares: strictness, camelCase keys, and words of later versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

NONE = "none"


def _key(name: str) -> str:
    """The key of a field: camelCase, but `apiURL` as Kubernetes spells it, and `for` for what Python reserves."""
    return to_camel(name.rstrip("_")).replace("apiUrl", "apiURL")


class Block(BaseModel):
    """A mapping of the language. Unknown keys are errors, values are never coerced, instances never change.

    `later` lists the keys and `later_values` the values, by key, that the language reserves but this version does not
    compile, each with what is missing and, after a semicolon, what to do until then: using one is an error that says so.
    """

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", alias_generator=_key, validate_by_alias=True,
        validate_by_name=False, validate_default=False, hide_input_in_errors=True,
    )
    later: ClassVar[Mapping[str, str]] = {}
    later_values: ClassVar[Mapping[str, Mapping[str, str]]] = {}


def leaf(description: str, example: object, *, unit: str = NONE, default: object = ...) -> Any:  # noqa: ANN401
    """A field of a block. `unit` is the unit of its number ("none" where it has none).

    Typed like pydantic's own `Field`: what it returns stands in for a value of the annotated type.
    """
    return Field(default, description=description, examples=[example], json_schema_extra={"unit": unit})
