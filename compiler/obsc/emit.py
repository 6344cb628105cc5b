"""Plain data → text: YAML that readers of 1.1 and of 1.2 understand alike, JSON, and nothing of the day or the host.

The order of keys is the data's own. A string stands without quotes only if no reader takes it for anything else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_SAFE = re.compile(r"[A-Za-z_/.*][A-Za-z0-9_./*+$-]*(?: [A-Za-z0-9_./*+$(),;=-]+)*")
_SAFE_NUMBERED = re.compile(r"[A-Za-z0-9]+(?:[._/-][A-Za-z0-9]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n", "~", ""})
_NUMBER_LIKE = re.compile(
    r"[-+.]?[0-9][0-9_.,:eExXoO+-]*[0-9a-fA-F_.]*|\.[0-9_]+.*|0[xob].*|[-+]?\.(inf|nan)|[0-9.eE+-]+|[0-9].*[eE:][0-9+-].*",
    re.IGNORECASE)
_ESCAPED = re.compile("[\x00-\x1f\x7f-\xa0\u00ad\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]|[\u200b-\u200f\u202a-\u202e\u2060-\u206f]")
_BLOCK_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\xa0\u00ad\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufffe\uffff\t]")
_NAMED = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_LONGEST_KEY = 1000
_JSON_ESCAPED = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: its path relative to the output folder, its plain data (or text), and how it is spelled."""

    path: str
    data: object
    format: Literal["yaml", "json", "text"] = "yaml"
    header: str = ""


def encode(artifact: Artifact) -> bytes:
    """The bytes of a file: UTF-8, LF, one newline at the end."""
    if artifact.format == "yaml":
        text = to_yaml(artifact.data, artifact.header)
    elif artifact.format == "json":
        text = to_json(artifact.data)
    else:
        text = str(artifact.data).rstrip("\n") + "\n"
    return text.encode("utf-8")


def to_json(data: object) -> str:
    """JSON with two spaces of indentation. Raises TypeError and ValueError like `to_yaml`."""
    _plain(data)
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return _JSON_ESCAPED.sub(lambda match: f"\\u{ord(match.group()):04x}", text) + "\n"


def to_yaml(data: object, header: str = "") -> str:
    """Block-style YAML. Raises TypeError for what is not plain data and ValueError for what YAML cannot hold."""
    _plain(data)
    comment = "".join(f"# {line}\n" if line else "#\n" for line in header.splitlines())
    return comment + "".join(_block(data, 0))


def _plain(data: object) -> None:
    pending = [data]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            if not all(isinstance(key, str) for key in one):
                raise TypeError("keys must be text")
            pending.extend(one)
            pending.extend(one.values())
        elif isinstance(one, list | tuple):
            pending.extend(one)
        elif isinstance(one, float) and not math.isfinite(one):
            raise ValueError("not a finite number")
        elif isinstance(one, str) and re.search("[\ud800-\udfff]", one):
            raise ValueError("a lone surrogate is no text")
        elif one is not None and not isinstance(one, str | int | float | bool):
            raise TypeError(f"{type(one).__name__} is not plain data")


def _block(data: object, depth: int) -> Iterator[str]:
    pad = "  " * depth
    if isinstance(data, dict) and data:
        for key, value in data.items():
            yield _key(key, pad)
            yield from _value(value, depth, in_list=False)
    elif isinstance(data, list | tuple) and data:
        for item in data:
            yield f"{pad}-"
            yield from _value(item, depth, in_list=True)
    else:
        yield f"{pad}{_scalar(data)}\n"


def _value(value: object, depth: int, *, in_list: bool) -> Iterator[str]:
    if isinstance(value, dict | list | tuple) and value:
        lines = "".join(_block(value, depth + 1))
        # In a list, the first line stands beside the dash and the others below it.
        yield " " + lines[2 * (depth + 1):] if in_list else "\n" + lines
    elif isinstance(value, str) and _literal(value):
        yield from _lines(value, depth + 1)
    else:
        yield f" {_scalar(value)}\n"


def _literal(text: str) -> bool:
    """Whether a text may stand as a literal block: several lines, no line that begins the block with a space."""
    if "\n" not in text.rstrip("\n") or _BLOCK_UNSAFE.search(text):
        return False
    first = text.lstrip("\n")
    return not first.startswith(" ") and not text.startswith("\n") and not re.search(r" +\n", text) and not text.endswith(" ")


def _lines(text: str, depth: int) -> Iterator[str]:
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    pad = "  " * depth
    yield " " + {0: "|-", 1: "|"}.get(ends, "|+") + "\n"
    for line in body.split("\n"):
        yield f"{pad}{line}\n" if line else "\n"
    yield "\n" * (ends - 1) if ends > 1 else ""


def _key(text: str, pad: str) -> str:
    shown = _string(text)
    # YAML takes a key on its own line only up to 1024 characters; longer ones need the explicit form.
    return f"{pad}{shown}:" if len(shown) <= _LONGEST_KEY else f"{pad}? {shown}\n{pad}:"


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        return _string(value)
    return "{}" if isinstance(value, dict) else "[]"


def _float(value: float) -> str:
    text = repr(value)
    if "e" in text:
        mantissa, _, exponent = text.partition("e")
        # Readers of YAML 1.1 take it for a number only with a point and a signed exponent.
        point = mantissa if "." in mantissa else mantissa + ".0"
        return f"{point}e{exponent if exponent[0] in '+-' else '+' + exponent}"
    return text


def _string(text: str) -> str:
    if _may_be_plain(text):
        return text
    return '"' + "".join(_NAMED.get(char) or _escape(char) for char in text) + '"'


def _may_be_plain(text: str) -> bool:
    if text.lower() in _WORDS or _NUMBER_LIKE.fullmatch(text) or len(text) > 1000:
        return False
    if _SAFE_NUMBERED.fullmatch(text) and not text[0].isdigit():
        return True
    if text[0].isdigit():
        return False
    return bool(_SAFE.fullmatch(text)) and text[0] not in ".*"


def _escape(char: str) -> str:
    if not _ESCAPED.match(char):
        return char
    code = ord(char)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
