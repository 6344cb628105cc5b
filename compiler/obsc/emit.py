"""Plain data → text: YAML that readers of 1.1 and of 1.2 understand alike, JSON, and nothing of the day or the host.

The order of keys is the data's own. A string stands without quotes only if no reader takes it for anything else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from json.encoder import encode_basestring
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
_BRIEF, _SHORT = 4, 24
_BARE = frozenset({int, bool, type(None)})
_COLLECTIONS = frozenset({dict, list, tuple})


class Recipe(Mapping[str, object]):
    """An object that is made when it is asked for, and what it is made of: of equal words, equal objects of a kind.

    A run makes one at a time, and none that it remembers.
    """

    __slots__ = ("_make", "kind", "of")

    def __init__(self, kind: str, of: tuple[str, ...], make: Callable[[], dict[str, object]]) -> None:
        self.kind, self.of, self._make = kind, of, make

    def made(self) -> dict[str, object]:
        """The object, as plain data."""
        return self._make()

    def __getitem__(self, key: str) -> object:
        return self._make()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._make())

    def __len__(self) -> int:
        return len(self._make())


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file: its POSIX path relative to the output folder, its plain data (or text), and how it is spelled.

    `header` is one or more lines of comment, without `#`, at the top of YAML.
    """

    path: str
    data: object
    format: Literal["yaml", "json", "text"] = "yaml"
    header: str = ""

    @property
    def plain(self) -> object:
        """The data; of a recipe, what it makes."""
        return self.data.made() if isinstance(self.data, Recipe) else self.data


def encode(artifact: Artifact) -> bytes:
    """The bytes of a file: UTF-8, LF, one newline at the end. Raises like `to_yaml`."""
    if artifact.format == "yaml":
        text = to_yaml(artifact.plain, artifact.header)
    elif artifact.format == "json":
        text = to_json(artifact.data)
    elif isinstance(artifact.data, str):
        text = artifact.data.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    else:
        raise TypeError(f"{type(artifact.data).__name__} is no text")
    return text.encode("utf-8")


def to_json(data: object) -> str:
    """JSON indented by one space, a few short values on one line; all but control and unseen characters stand for themselves.
    Raises like `to_yaml`.
    """
    pieces: list[str] = []
    _json(data, "\n", pieces)
    text = "".join(pieces)
    text.encode("utf-8")  # raises UnicodeEncodeError, a ValueError, for half of a surrogate pair
    return _JSON_ESCAPED.sub(lambda match: json.dumps(match.group())[1:-1], text) + "\n"


def to_yaml(data: object, header: str = "") -> str:
    """Block-style YAML, never folded, after a comment.

    Plain data is dict (with str keys), list, tuple, str, int, float, bool and None, and nothing derived from them.
    Raises TypeError for anything else, ValueError for what has no spelling: infinity, not-a-number, halves of
    surrogate pairs, data that contains itself.
    """
    pieces = [f"# {_ESCAPED.sub(_escape, line)}".rstrip() + "\n" for line in header.splitlines()]
    if type(data) in _COLLECTIONS and data:
        _collection(data, "", pieces)
    else:
        pieces.append(_scalar(data) + "\n")
    text = "".join(pieces)
    text.encode("utf-8")  # as above
    return text


def _json(data: object, line: str, pieces: list[str]) -> None:
    """A value whose further lines begin with `line`: a break and the indentation.

    The library's own encoder is slow where it indents: this is the same in a fifth of the time, and a step of one
    space: two make a fifth of a dashboard.
    """
    if type(data) is str:
        pieces.append(encode_basestring(data))
    elif type(data) is dict:
        _json_collection(data, ("{", "}"), line, pieces)
    elif type(data) is list or type(data) is tuple:
        _json_collection(data, ("[", "]"), line, pieces)
    elif type(data) is float:
        if not math.isfinite(data):
            raise ValueError("not a finite number")
        pieces.append(repr(data))
    else:
        pieces.append(_word(data))


def _json_collection(data: dict[str, object] | list[object] | tuple[object, ...], ends: tuple[str, str], line: str,
                     pieces: list[str]) -> None:
    if not data:
        pieces.append(ends[0] + ends[1])
        return
    if line != "\n" and _brief(data):
        pieces.append(json.dumps(data, ensure_ascii=False, allow_nan=False))
        return
    between, inner = ends[0], line + " "
    _require_shallow(len(inner))
    if isinstance(data, dict):
        for key, value in data.items():
            _require_text(key)
            pieces.append(f"{between}{inner}{encode_basestring(key)}: ")
            _json(value, inner, pieces)
            between = ","
    else:
        for value in data:
            pieces.append(between + inner)
            _json(value, inner, pieces)
            between = ","
    pieces.append(line + ends[1])


def _brief(data: dict[str, object] | list[object] | tuple[object, ...]) -> bool:
    """Whether it reads best on one line: a place on a grid, a reference, a colour with its value."""
    if len(data) > _BRIEF:
        return False
    keys, values = (data, data.values()) if isinstance(data, dict) else ((), data)
    return all(type(one) in _BARE or (type(one) is str and len(one) <= _SHORT) for one in values) and all(type(key) is str for key in keys)


def _require_shallow(depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("data is nested too deeply, or contains itself")


def _require_text(key: object) -> None:
    if type(key) is not str:
        raise TypeError("keys must be text")


def _word(data: object) -> str:
    """What both formats spell alike: `null`, `true`, `false` and whole numbers."""
    if data is None:
        return "null"
    if type(data) is bool:
        return "true" if data else "false"
    if type(data) is int:
        return repr(data)
    raise TypeError(f"{type(data).__name__} is not plain data")


def _collection(data: object, pad: str, pieces: list[str]) -> None:
    """Lines of a map or list that is not empty. The first is not indented: it may stand beside a dash."""
    _require_shallow(len(pad) // 2)
    lead = ""
    if isinstance(data, dict):
        for key, value in data.items():
            _require_text(key)
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
    if type(value) is str and "\n" in value and _is_literal(value):
        pieces.append(_literal(value, pad + "  "))
    elif type(value) in _COLLECTIONS and value:
        pieces.append(between)
        _collection(value, pad + "  ", pieces)
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
    if type(value) is str:
        return _string(value)
    if type(value) is float:
        return _float(value)
    if type(value) in _COLLECTIONS:
        return "{}" if type(value) is dict else "[]"
    return _word(value)


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    mantissa, exponential, exponent = repr(value).partition("e")
    # Readers of YAML 1.1 take it for a number only with a point; `repr` always signs the exponent.
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponential}{exponent}"


@lru_cache(maxsize=1 << 14)  # keys, labels and names occur again and again
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
