"""Pydantic's view of a tree as problems, one for each place of the document, and each told in the language's words.

What pydantic says is about Python's types; users read about keys, forms and examples, taken from the models.
"""

from __future__ import annotations

import difflib
import typing
from typing import NamedTuple

from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from obsc import advice, emit_inline
from obsc.diagnostics import Sink
from obsc.source import Node, Path, at, place_of
from obsc.spec.base import Block
from obsc.spec.reflect import Site, homes, site, trace

_STANDARD = frozenset(typing.get_args(ErrorType)) - {"value_error", "assertion_error"}
_NEAR, _NEARER = 0.6, 0.8
_MOST_HOMES = 3


class Problem(NamedTuple):
    """What is wrong at a path of the model: pydantic's type of error, its text, and whether it is about the key."""

    path: Path
    type: str
    message: str
    on_key: bool = False


def parse(model: type[Block], data: object) -> tuple[Block | None, tuple[Problem, ...]]:
    """The model of plain data, or its problems: one for each place, the branches of a union together."""
    try:
        return model.model_validate(data), ()
    except ValidationError as error:
        found: dict[tuple[Path, bool], Problem] = {}
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            path, on_key = trace(model, one["loc"], unknown=one["type"] == "extra_forbidden")
            new = Problem(path, one["type"], one["msg"], on_key)
            old = found.setdefault((path, on_key), new)
            if old.type in _STANDARD and new.type not in _STANDARD:
                found[path, on_key] = new
        return None, tuple(found.values())


def report(problem: Problem, model: type[Block], root: Node, sink: Sink, *, prefix: Path = (),
           home: Node | None = None) -> None:
    """Report a problem of the part of a document at `prefix`. `home` is where something missing would be written."""
    where = site(model, problem.path)
    node = at(root, (*prefix, *problem.path))
    if problem.type == "missing":
        _missing(problem, where, home or root, sink, prefix)
    elif problem.type == "extra_forbidden":
        _unknown(problem, model, root, sink, prefix)
    elif problem.on_key:
        _wrong_name(problem, site(model, problem.path[:-1]), root, sink, prefix)
    elif node is not None and isinstance(node.value, str) and node.value in where.later_values:
        what, _, instead = where.later_values[node.value].partition("; ")
        sink.error("V102", f"{advice.shown(node)} ({what}) is not in this version", node.place,
                   path=advice.shown_path((*prefix, *problem.path)), hint=instead or f"use {where.words}")
    else:
        _wrong_value(problem, where, root, sink, prefix)


def _missing(problem: Problem, where: Site, home: Node, sink: Sink, prefix: Path) -> None:
    full = (*prefix, *problem.path)
    key, node = str(problem.path[-1]), at(home, full)
    found = "no" if node is None or not node.null_word else "`null` for"
    sink.error("V103", f"found {found} `{key}`{_inside(full)}, expected {where.words}",
               node.place if node is not None else place_of(home, full), path=advice.shown_path(full),
               hint=f"write for example `{key}: {emit_inline.flow(where.example)}`. {where.description}")


def _unknown(problem: Problem, model: type[Block], root: Node, sink: Sink, prefix: Path) -> None:
    full = (*prefix, *problem.path)
    key, place, path = str(problem.path[-1]), place_of(root, full, key=True), advice.shown_path(full)
    owner = site(model, problem.path[:-1])
    if key in owner.later:
        what, _, instead = owner.later[key].partition("; ")
        sink.error("V102", f"`{key}` ({what}) is not in this version", place, path=path,
                   hint=instead or "leave it out: it would have no effect")
        return
    sink.error("V101", f"unknown key `{advice.quoted(key)}`{_inside(full)}", place, path=path,
               hint=_known_key(key, owner, model))


def _known_key(key: str, owner: Site, model: type[Block]) -> str:
    """The key that was meant: one that is written nearly so, else the same one where it belongs, else all of them."""
    by_letters = {advice.letters(known): known for known in owner.keys}
    ranked = difflib.get_close_matches(advice.letters(key), by_letters, 1, _NEAR)
    score = difflib.SequenceMatcher(None, advice.letters(key), ranked[0]).ratio() if ranked else 0.0
    elsewhere = homes(model, key)
    if ranked and (score >= _NEARER or not 0 < len(elsewhere) <= _MOST_HOMES):
        return f"did you mean `{by_letters[ranked[0]]}`?"
    if 0 < len(elsewhere) <= _MOST_HOMES:
        return f"`{key}` is a key of " + " and of ".join(f"`{one}`" if one else "the document itself" for one in elsewhere)
    return "known keys here are " + ", ".join(f"`{known}`" for known in owner.keys)


def _wrong_name(problem: Problem, owner: Site, root: Node, sink: Sink, prefix: Path) -> None:
    full = (*prefix, *problem.path)
    example = next(iter(owner.example), None) if isinstance(owner.example, dict) else None
    sink.error("V105", f"found the key `{advice.quoted(str(problem.path[-1]))}`{_inside(full)}, expected {owner.key_words}",
               place_of(root, full, key=True), path=advice.shown_path(full),
               hint=f"rename it, for example `{example}`" if example is not None else "rename it")


def _wrong_value(problem: Problem, where: Site, root: Node, sink: Sink, prefix: Path) -> None:
    full = (*prefix, *problem.path)
    node = at(root, full)
    key = next((step for step in reversed(full) if isinstance(step, str)), "")
    found = "nothing" if node is None else advice.shown(node, key, secret=where.secret)
    expected = f"expected {where.words}" if problem.type in _STANDARD else problem.message
    hint = advice.instead(where, node, problem.path[-1] if problem.path else "", problem.type)
    sink.error("V104", f"found {found}, {expected}", place_of(root, full), path=advice.shown_path(full), hint=hint)


def _inside(full: Path) -> str:
    return f" in `{advice.shown_path(full[:-1])}`" if len(full) > 1 else ""
