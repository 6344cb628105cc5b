"""Plain scalars → values, as YAML 1.2's core schema reads them, and the ones that readers disagree about."""

from __future__ import annotations

import re
from typing import NamedTuple

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+")
_SEXAGESIMAL = re.compile(r"[-+]?[1-9][0-9]*(:[0-5]?[0-9])+")
_OLD_BOOL = re.compile(r"[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF")
_LARGEST = 2**63
_LONGEST_NUMBER = 40

Value = str | int | float | bool | None


class Reading(NamedTuple):
    """A scalar's value, and a code and reason if it is not plain what was meant ("" and "" if it is)."""

    value: Value
    code: str = ""
    reason: str = ""


def read(text: str) -> Reading:
    """The value of a plain scalar."""
    if text in _NULL:
        return Reading(None)
    if text in _BOOL:
        return Reading(_BOOL[text])
    if text[0] in "+-.0123456789":
        return _number(text)
    if _OLD_BOOL.fullmatch(text):
        return Reading(text, "L012", f"`{text}` is the text `{text}` here, but true or false to other readers")
    return Reading(text)


def _number(text: str) -> Reading:
    if len(text) > _LONGEST_NUMBER:
        return Reading(text)
    if _LEADING_ZERO.fullmatch(text):
        return Reading(text, "L013", f"`{text}` is octal to some readers and decimal to others")
    if _SEXAGESIMAL.fullmatch(text):
        return Reading(text, "L012", f"`{text}` is the text `{text}` here, but a number in base 60 to other readers")
    if _SPECIAL.fullmatch(text):
        return Reading(text, "L014", f"`{text}` is no number that a configuration can hold")
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return _integer(text, int(text if base == 10 else text[2:], base))
    if _FLOAT.fullmatch(text):
        number = float(text)
        if number in {float("inf"), float("-inf")}:
            return Reading(text, "L014", f"`{text}` is too large for a number")
        return Reading(number)
    return Reading(text)


def _integer(text: str, number: int) -> Reading:
    if not -_LARGEST <= number < _LARGEST:
        return Reading(text, "L014", f"`{text}` does not fit in 64 bits")
    return Reading(number)


def tagged(tag: str, text: str) -> Reading | None:
    """The value under an explicit tag of the core schema; None for a tag that this language does not know."""
    if tag in {"!", "tag:yaml.org,2002:str"}:
        return Reading(text)
    kind = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float, "tag:yaml.org,2002:bool": bool,
            "tag:yaml.org,2002:null": type(None)}.get(tag)
    if kind is None:
        return None
    found = read(text)
    value = float(found.value) if kind is float and type(found.value) is int else found.value
    if type(value) is kind:
        return Reading(value)
    return Reading(text, "L014", f"`{text[:40]}` is not of the type that its tag says")
