"""Errors of jsonschema → problems in plain words, one for each field that is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from obsc.source import Path
from obsc.verify.problem import Problem, at, kind, nearest, shown

if TYPE_CHECKING:
    from jsonschema import ValidationError

# resource.Quantity: a decimal number with a decimal, binary or exponent suffix.
_QUANTITY = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?")
_WORDS = {"object": "a mapping", "array": "a list", "string": "a text", "integer": "a whole number", "number": "a number",
          "boolean": "`true` or `false`", "null": "nothing"}
_BOUNDS = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than", "exclusiveMaximum": "less than"}
_LENGTHS = {"minLength": "at least {} characters", "maxLength": "at most {} characters", "minItems": "at least {} items",
            "maxItems": "at most {} items", "minProperties": "at least {} keys", "maxProperties": "at most {} keys"}
_DURATION_SIGNS = ("ms)?)$", "(ms|", "(([0-9]+)y)?")


def is_quantity(text: str) -> bool:
    """Whether the text is an amount of a resource, such as `250m` or `2Gi`."""
    return _QUANTITY.fullmatch(text) is not None


def explain(error: ValidationError, origin: str = "") -> Iterator[Problem]:
    """The problems behind an error; `origin` names the release that the schema is of."""
    path: Path = tuple(error.absolute_path)
    name, wanted, found = str(error.validator), error.validator_value, error.instance
    if name == "additionalProperties" and isinstance(found, dict):
        yield from _unknown(path, error.schema, found, origin)
    elif name == "required":
        field = re.match(r"'([^']*)'", error.message)
        if field is not None:
            yield Problem("X608", path, f"found no `{field[1]}`, which must be there", f"write `{field[1]}:`", key=not path)
    elif name in {"anyOf", "oneOf"} and error.context:
        yield from explain(min(error.context, key=lambda one: -len(one.absolute_path)), origin)
    elif name == "listed twice":
        yield Problem("X606", path, error.message, "delete one of them")
    elif name == "quantity":
        yield Problem("X612", path, f"{error.message}, expected an amount such as `250m`, `2` or `512Mi`", _quantity_hint(error.message))
    else:
        yield _value(path, name, wanted, found, error.message)


def _unknown(path: Path, schema: Any, found: Mapping[str, Any], origin: str) -> Iterator[Problem]:  # noqa: ANN401
    known = at(schema, "properties") or {}
    for key in found:
        if key not in known:
            where = f", as of {origin}" if origin else ""
            hint = nearest(key, known) or ("a newer operator may know it: then let its API server check the object" if origin else "")
            yield Problem("X604", (*path, key), f"there is no field {shown(key)} here{where}: the API server would drop it", hint, key=True)


def _value(path: Path, name: str, wanted: Any, found: object, message: str) -> Problem:  # noqa: ANN401
    if name == "type":
        types = [wanted] if isinstance(wanted, str) else list(wanted)
        expected = " or ".join(_WORDS.get(one, one) for one in types if one != "null") or "nothing"
        return Problem("X605", path, f"found {_found(found)}, expected {expected}", _type_hint(types, found))
    if name in {"enum", "const"}:
        choices = [str(one) for one in (wanted if name == "enum" else [wanted])]
        return Problem("X605", path, f"found {shown(found)}, expected {' or '.join(f'`{one}`' for one in choices[:12])}",
                       nearest(str(found), choices))
    if name == "pattern":
        return _pattern(path, str(wanted), found)
    if name in _BOUNDS:
        return Problem("X605", path, f"found {shown(found)}, expected {_BOUNDS[name]} {wanted}", "")
    if name in _LENGTHS:
        return Problem("X605", path, f"found {shown(found)}, expected {_LENGTHS[name].format(wanted)}", "")
    return Problem("X605", path, f"the value does not fit: {message[:160]}", "")


def _pattern(path: Path, pattern: str, found: object) -> Problem:
    if any(sign in pattern for sign in _DURATION_SIGNS):
        return Problem("X623", path, f"found {shown(found)}, expected a duration such as `30s`, `5m` or `1h30m`", "")
    if "KMGTPE" in pattern:
        return Problem("X612", path, f"{shown(found)} is no quantity, expected an amount such as `250m`, `2` or `512Mi`", "")
    return Problem("X605", path, f"found {shown(found)}, expected a text of the form {pattern[:80]}", "")


def _found(found: object) -> str:
    return f"{kind(found)} {shown(found)}" if isinstance(found, str | int | float) else kind(found)


def _type_hint(types: list[str], found: object) -> str:
    if "string" in types and isinstance(found, bool | int | float):
        return f'put it in quotes: "{str(found).lower() if isinstance(found, bool) else found}"'
    if isinstance(found, str) and {"integer", "number"} & set(types) and found.strip().lstrip("-").isdigit():
        return f"write it without quotes: {found.strip()}"
    return ""


def _quantity_hint(message: str) -> str:
    found = re.match(r"`([0-9.]+) ?([kKmMgGtT])[iI]?[bB]?`", message)
    return f"write `{found[1]}{found[2].upper()}i`" if found else ""
