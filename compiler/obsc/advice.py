"""Words on a bad value: what was found, never showing a secret, and what to write instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

from obsc import durations, emit_inline, encode, scalars
from obsc.diagnostics import render
from obsc.secrets import looks_like_credential
from obsc.source import Node, Path
from obsc.spec.reflect import Site

_LONGEST_SHOWN = 40
_TRUTH = {"yes": "true", "on": "true", "y": "true", "1": "true", "no": "false", "off": "false", "n": "false", "0": "false"}
_UNITS = (("milliseconds", "ms"), ("millisecond", "ms"), ("msec", "ms"), ("seconds", "s"), ("second", "s"), ("secs", "s"),
          ("sec", "s"), ("minutes", "m"), ("minute", "m"), ("mins", "m"), ("min", "m"), ("hours", "h"), ("hour", "h"),
          ("hrs", "h"), ("hr", "h"), ("days", "d"), ("day", "d"), ("weeks", "w"), ("week", "w"))
_USUAL_RATIO = 0.95
_PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def quoted(text: str) -> str:
    """A text of the document for a message: at most 40 characters, nothing that a terminal would obey."""
    return encode.terminal(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…").replace("\t", " ")


def letters(key: str) -> str:
    """A key without what people vary: case, dashes, underscores."""
    return re.sub(r"[-_ ]", "", key).lower()


def nearest(name: str, known: Collection[str], otherwise: str) -> str:
    """A hint for a name that is none of those that are known: the one that is spelled nearly the same, else another hint."""
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean `{near[0]}`?" if near else otherwise


def meant(name: str, known: Iterable[str], otherwise: str) -> str:
    """The same for names that people write with other cases, dashes and underscores."""
    by_letters = {letters(one): one for one in known}
    near = difflib.get_close_matches(letters(name), by_letters, 1)
    return f"did you mean `{by_letters[near[0]]}`?" if near else otherwise


def listed(words: Iterable[str]) -> str:
    """Names in a row for a message, sorted."""
    return ", ".join(f"`{word}`" for word in sorted(words)) or "none"


def shown_path(path: Path) -> str:
    """A path of the document for a message: no key of it is long, and none is a credential."""
    return render(tuple(step if isinstance(step, int) else "hidden" if looks_like_credential(step) else quoted(step)
                        for step in path))


def shown(node: Node, key: str = "", *, secret: bool = False) -> str:
    """What was found. Text where only a reference to a Secret fits (`secret`) may be the secret itself: it is not shown."""
    if isinstance(node.value, dict | tuple):
        kind = "mapping" if isinstance(node.value, dict) else "list"
        return f"a {kind}" if node.value else f"an empty {kind}"
    if node.value is None:
        return "`null`" if node.null_word else "no value"
    text = _text(node)
    if looks_like_credential(text, key):
        return "a value that looks like a credential"
    if secret and isinstance(node.value, str):
        return "a text that is not shown here, since it may be a secret"
    kind = {bool: "the truth value ", int: "the number ", float: "the number "}.get(type(node.value), "")
    if isinstance(node.value, str) and (text == "" or not isinstance(scalars.read(text).value, str)):
        kind = "the text "
    return f"{kind}`{quoted(text)}`" if text else "an empty text"


def instead(where: Site, node: Node | None, key: str | int, problem: str) -> str:
    """What to write in place of a bad value."""
    usual = _example(where, key)
    if node is None:
        return usual
    if where.secret:
        return "put it into a Kubernetes Secret and write `{name: <Secret>, key: <its key>}` here"
    by_problem = {"duration": _duration, "ratio": _ratio, "quantity": _quantity, "literal_error": _choice}.get(problem)
    if by_problem is not None:
        return by_problem(where, node) or usual
    return _other_type(where, node, key) or usual


def _example(where: Site, key: str | int) -> str:
    if where.example is None:
        return "leave it out" if where.optional else ""
    shown_key = f"{key}: " if isinstance(key, str) and key else ""
    return f"write for example `{shown_key}{emit_inline.flow(where.example)}`"


def _text(node: Node) -> str:
    """A scalar as it is written; nothing of a mapping or list."""
    return "" if isinstance(node.value, dict | tuple) else node.text or str(node.value)


def _choice(where: Site, node: Node) -> str:
    return meant(_text(node), where.choices, "")


def _duration(_: Site, node: Node) -> str:
    text = re.sub(r"\s", "", _text(node).lower()).removeprefix("pt")
    if len(text) > _LONGEST_SHOWN:
        return ""
    if _PLAIN_NUMBER.fullmatch(text) and float(text) > 0:
        return f"write a unit: `{text}s` for seconds, `{text}m` for minutes"
    for word, unit in _UNITS:
        text = re.sub(rf"(?<=[0-9]){word}(?![a-z])", unit, text)
    seconds = durations.parse(text)
    return f"write `{text}`" if seconds and text != _text(node) else ""


def _quantity(where: Site, node: Node) -> str:
    text = _text(node)
    if text.endswith("%"):
        return f"write for example {both_forms(_USUAL_RATIO)}"
    advice = _duration(where, node)
    bare = isinstance(node.value, str) and _PLAIN_NUMBER.fullmatch(text) is not None and 0 < float(text) < 100
    return f"{advice}; `{text}%` for a ratio; {text} without quotes for a bare number" if advice and bare else advice


def _ratio(where: Site, node: Node) -> str:
    text = _text(node)
    if not text.endswith("%") and _PLAIN_NUMBER.fullmatch(text) and len(text) < _LONGEST_SHOWN and 1 < float(text) < 100:
        return f"write {both_forms(float(text) / 100)}"
    example = where.example
    if isinstance(example, str) and example.endswith("%"):
        example = float(example[:-1]) / 100
    return f"write for example {both_forms(example)}" if isinstance(example, int | float) else ""


def both_forms(share: float) -> str:
    """The two ways to write a ratio."""
    return f"`{durations.number(share * 100)}%` or `{durations.number(share)}`"


def _other_type(where: Site, node: Node, key: str | int) -> str:
    """Advice where the value would be right if it were written as another type."""
    text, wanted = _text(node), where.accepts
    if isinstance(node.value, bool | int | float) and type(node.value) not in wanted:
        return f'put it in quotes: `"{text}"`' if any(re.search(one, text) for one in where.patterns) else ""
    if not isinstance(node.value, str) or len(text) > _LONGEST_SHOWN or looks_like_credential(text):
        return ""
    if bool in wanted and text.lower() in _TRUTH:
        return f"write `{_TRUTH[text.lower()]}`"
    if type(scalars.read(text).value) in wanted - {str}:
        return f"write it without quotes: `{text}`"
    if tuple in wanted and isinstance(where.example, list) and isinstance((*where.example, None)[0], str):
        return f"write a list: `{key}: {emit_inline.flow([text])}`"
    if dict in wanted and "name" in where.keys:
        return f"write `{key}: {emit_inline.flow({'name': text})}`"
    return ""
