"""Plain data → text: YAML that readers of 1.1 and of 1.2 understand alike, JSON, and nothing of the day or the host.

The order of keys is the data's own. A string stands without quotes only if no reader takes it for anything else.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Literal

# No number, date or time of either version begins with a letter, `_` or `/`, and these words are all that is left.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./*+$-]*(?: [A-Za-z0-9_./*+$(),;=-]+)*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
# What a reader may refuse, take for a line break or not show: it is written as its number.
_UNSEEN = ("\x7f-\xa0\u00ad\u061c\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb\ufffe\uffff"
           "\U000e0000-\U000e0fff")
_ESCAPED = re.compile(f'["\\\\\x00-\x1f{_UNSEEN}]')
_JSON_ESCAPED = re.compile(f"[{_UNSEEN}]")
_NAMED = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_NO_LITERAL = re.compile(f"[\x00-\x09\x0b-\x1f{_UNSEEN}]")
_LONGEST_KEY = 1000
_DEEPEST = 200


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: its POSIX path relative to the output folder, its plain data (or text), and how it is spelled.

    `header` is one or more lines of comment, without `#`, at the top of YAML.
    """

    path: str
    data: object
    format: Literal["yaml", "json", "text"] = "yaml"
    header: str = ""


def encode(artifact: Artifact) -> bytes:
    """The bytes of a file: UTF-8, LF, one newline at the end. Raises like `to_yaml`."""
    if artifact.format == "yaml":
        text = to_yaml(artifact.data, artifact.header)
    elif artifact.format == "json":
        text = to_json(artifact.data)
    elif isinstance(artifact.data, str):
        text = artifact.data.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    else:
        raise TypeError(f"{type(artifact.data).__name__} is no text")
    return text.encode("utf-8")


def to_json(data: object) -> str:
    """JSON with two spaces of indentation; all but control and unseen characters stand for themselves. Raises like `to_yaml`."""
    _require_plain(data, 0)
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
    return _JSON_ESCAPED.sub(lambda match: json.dumps(match.group())[1:-1], text) + "\n"


def to_yaml(data: object, header: str = "") -> str:
    """Block-style YAML, never folded, after a comment.

    Plain data is dict (with str keys), list, tuple, str, int, float, bool and None, and nothing derived from them.
    Raises TypeError for anything else, ValueError for what has no spelling: infinity, not-a-number, halves of
    surrogate pairs, data that contains itself.
    """
    _require_plain(data, 0)
    pieces = [f"# {_ESCAPED.sub(_escape, line)}".rstrip() + "\n" for line in header.splitlines()]
    if isinstance(data, dict | list | tuple) and data:
        _collection(data, "", pieces)
    else:
        pieces.append(_scalar(data) + "\n")
    return "".join(pieces)


def _require_plain(data: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("data is nested too deeply, or contains itself")
    if type(data) is dict:
        for key, value in data.items():
            if type(key) is not str:
                raise TypeError("keys must be text")
            _require_plain_scalar(key)
            _require_plain(value, depth + 1)
    elif type(data) is list or type(data) is tuple:
        for item in data:
            _require_plain(item, depth + 1)
    else:
        _require_plain_scalar(data)


def _require_plain_scalar(data: object) -> None:
    if type(data) is str:
        data.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, for half of a surrogate pair
    elif type(data) is float:
        if not math.isfinite(data):
            raise ValueError("not a finite number")
    elif data is not None and type(data) not in {bool, int}:
        raise TypeError(f"{type(data).__name__} is not plain data")


def _collection(data: object, pad: str, pieces: list[str]) -> None:
    """Lines of a map or list that is not empty. The first is not indented: it may stand beside a dash."""
    lead = ""
    if isinstance(data, dict):
        for key, value in data.items():
            pieces.append(f"{lead}{_key(key, pad)}:")
            _value(value, pad, f"\n{pad}  ", pieces)
            lead = pad
    elif isinstance(data, list | tuple):
        for item in data:
            pieces.append(f"{lead}-")
            _value(item, pad, " ", pieces)
            lead = pad


def _value(value: object, pad: str, between: str, pieces: list[str]) -> None:
    """What follows a key's colon or a dash; `between` leads to the first line of a map or list."""
    if isinstance(value, dict | list | tuple) and value:
        pieces.append(between)
        _collection(value, pad + "  ", pieces)
    elif isinstance(value, str) and _is_literal(value):
        pieces.append(_literal(value, pad + "  "))
    else:
        pieces.append(f" {_scalar(value)}\n")


def _is_literal(text: str) -> bool:
    """Whether a text has several lines and survives as they are.

    Space at a line's end gets lost in editors, space or nothing on the first line needs an indentation indicator, and
    empty lines at the end would leave a file with more than one newline at its end.
    """
    return ("\n" in text[:-1] and not text.startswith((" ", "\n")) and not text.endswith((" ", "\n\n"))
            and " \n" not in text and not _NO_LITERAL.search(text))


def _literal(text: str, pad: str) -> str:
    mark = "|" if text.endswith("\n") else "|-"
    return "".join((f" {mark}\n", *(f"{pad}{line}\n" if line else "\n" for line in text.removesuffix("\n").split("\n"))))


def _key(text: str, pad: str) -> str:
    shown = _string(text)
    # YAML takes a key on its own line only up to 1024 characters; longer ones need the explicit form.
    return shown if len(shown) <= _LONGEST_KEY else f"? {shown}\n{pad}"


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
    mantissa, exponential, exponent = repr(value).partition("e")
    # Readers of YAML 1.1 take it for a number only with a point; `repr` always signs the exponent.
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponential}{exponent}"


def _string(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    code = ord(char)
    if char in _NAMED:
        return _NAMED[char]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
