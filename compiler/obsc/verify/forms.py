"""Configuration files judged by their form: which keys there are, of what type, which must be there.

forms.yaml has the forms. A form is the name of a grammar or of another form (`@name`), words to choose from (`a|b`, or
`=a` alone), a list with the form of its items, or a mapping: `key!` must be there, `*` stands for any other key, `+` takes
in the keys of other forms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from obsc.diagnostics import Sink
from obsc.source import Path, load, plain
from obsc.verify import expressions
from obsc.verify.grammars import GRAMMARS
from obsc.verify.problem import Problem, below, kind, mapping, nearest, shown

_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false"})


def check(name: str, data: object) -> Iterator[Problem]:
    """What does not fit the form of this name."""
    yield from _judge(f"@{name}", data, ())


@lru_cache(maxsize=1)
def _forms() -> Mapping[str, Any]:
    text = (files("obsc.verify") / "forms.yaml").read_bytes()
    return dict(mapping(plain(load("forms.yaml", text, Sink()).documents[0].root)))


@lru_cache(maxsize=256)
def _keys(name: str) -> Mapping[str, Any]:
    """The keys of a form with those that it takes in; `key!` stays as it is."""
    form = dict(_forms()[name])
    for other in form.pop("+", ()):
        form = {**_keys(other), **form}
    return form


def _judge(form: Any, data: object, path: Path) -> Iterator[Problem]:  # noqa: ANN401  a form is data of three types
    if isinstance(form, str) and form.startswith("@"):
        target = _forms()[form[1:]]
        form = _keys(form[1:]) if isinstance(target, dict) else target
    if isinstance(form, dict):
        yield from _mapping(form, data, path)
    elif isinstance(form, list):
        yield from _list(form[0], data, path)
    else:
        yield from below(path, _scalar(form, data))


def _mapping(form: Mapping[str, Any], data: object, path: Path) -> Iterator[Problem]:
    if not isinstance(data, dict):
        yield Problem("X605", path, f"found {kind(data)}, expected a mapping", "write keys and values")
        return
    known = {key.rstrip("!"): one for key, one in form.items()}
    for key, value in data.items():
        if key not in known and "*" not in known:
            yield Problem("X604", (*path, key), f"there is no key {shown(key)} here", nearest(key, known), key=True)
        elif value is not None:
            yield from _judge(known.get(key, known.get("*")), value, (*path, key))
    for key in form:
        if key.endswith("!") and data.get(key[:-1]) is None:
            yield Problem("X608", path, f"found no `{key[:-1]}`, which must be there", f"write `{key[:-1]}:`")


def _list(form: Any, data: object, path: Path) -> Iterator[Problem]:  # noqa: ANN401
    if not isinstance(data, list):
        yield Problem("X605", path, f"found {kind(data)}, expected a list", "write `- ` before each item")
        return
    for index, item in enumerate(data):
        if item is None:
            yield Problem("X605", (*path, index), "found an item without a value", "delete it, or write its value")
        else:
            yield from _judge(form, item, (*path, index))


def _scalar(form: str, data: object) -> Iterator[Problem]:
    if "|" in form or form.startswith("="):
        choices = form.removeprefix("=").split("|")
        if str(data) not in choices:
            yield Problem("X605", (), f"found {shown(data)}, expected {_either(choices)}", nearest(str(data), choices))
    elif form == "promql":
        yield from expressions.check(data)
    elif form in GRAMMARS:
        code, grammar = GRAMMARS[form]
        if isinstance(data, dict | list):
            yield Problem("X605", (), f"found {kind(data)}, expected a text", "write one value")
        elif not isinstance(data, bool) and (wrong := grammar(str(data))):
            yield Problem(code, (), f"found {shown(data)}: {wrong}", "")
    elif not _TYPES[form](data):
        yield Problem("X605", (), f"found {shown(data)}, expected {_WORDS[form]}", _advice(form, data))


def _either(choices: list[str]) -> str:
    named = [f"`{one}`" if one else "an empty text" for one in choices]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} or {named[-1]}"


def _advice(form: str, data: object) -> str:
    if form in {"int", "number"} and isinstance(data, str) and data.strip().isdigit():
        return f"write it without quotes: {data.strip()}"
    return ""


def _is_number(data: object) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


# Readers of YAML in Go take any scalar where they want a text, and 1.1's words for truth.
_TYPES: dict[str, Callable[[object], bool]] = {
    "any": lambda _: True,
    "text": lambda data: not isinstance(data, dict | list),
    "int": lambda data: isinstance(data, int) and not isinstance(data, bool),
    "number": _is_number,
    "bool": lambda data: isinstance(data, bool) or (isinstance(data, str) and data.lower() in _TRUTH),
}
_WORDS = {"any": "anything", "text": "a text", "int": "a whole number", "number": "a number", "bool": "`true` or `false`"}
