"""Document → the part of it that the language accepts; merged tree → model. Every problem has its line.

Validation happens twice with the same models. As written (`check`) nothing is required, since another layer
may supply it; after merging (`build`) everything is. Both go on behind an error: `check` prunes what is bad,
`build` puts a stand-in for what is missing, so that later stages can look at the rest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from pydantic import ValidationError

from obsc import encode
from obsc.diagnostics import Place, Related, Sink
from obsc.merge import name_of, without_nulls
from obsc.secrets import looks_like_credential
from obsc.source import Document, Node, Path, at, place_of, render
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import Site, site
from obsc.spec.service import API_VERSION, NAMED_LISTS, AIService


_KINDS: dict[str, type[Block]] = {"AIService": AIService, "AIPlatform": AIPlatform}
_ALWAYS = frozenset({("apiVersion",), ("kind",), ("metadata",), ("metadata", "name")})
_FIXED = ("apiVersion", "kind", "environments", "profile")
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Accepted:
    """A document as far as it is sound. `pruned` are the paths that were taken out of its tree."""

    document: Document
    kind: str
    tree: Node
    pruned: frozenset[Path]
    failed: bool


class _Problem(NamedTuple):
    path: Path
    type: str
    message: str
    context: Mapping[str, object]
    on_key: bool = False


def check(document: Document, sink: Sink) -> Accepted:
    """Validate a document as it is written."""
    own = Sink(strict=sink.strict)
    kind = _kind(document.root, own)
    bad: set[Path] = set()
    bad |= _empty(document.root, own) | _credentials(document.root, own)
    bad |= _structure(_KINDS[kind], _prune(document.root, bad), (), own)
    for path, model, banned in _parts(document.root, kind):
        bad |= _partial(model, document.root, path, banned, bad, own)
    bad |= _duplicates(document.root, own)
    sink.extend(own)
    return Accepted(document, kind, _prune(document.root, bad), frozenset(bad), own.failed)


def build(model: type[Block], tree: Node, sink: Sink, *, pruned: frozenset[Path] = frozenset()) -> tuple[
        Block | None, frozenset[Path]]:
    """The model of a merged tree, and the paths that hold stand-ins because the tree had nothing sound there.

    None only if no stand-in makes it valid. What was pruned before was reported before.
    """
    recovered: set[Path] = set()
    for _ in range(_ROUNDS):
        try:
            return model.model_validate(to_python(tree)), frozenset(recovered)
        except ValidationError as error:
            for problem in _problems(error, tree):
                known = problem.type == "missing" and any(problem.path[:len(path)] == path for path in pruned | recovered)
                if not known:
                    _report(problem, model, tree, sink)
                recovered.add(problem.path)
                tree = _mended(tree, problem, model)
    return None, frozenset(recovered)


def to_python(node: Node) -> object:
    """A tree as strict pydantic takes it: lists are tuples."""
    if isinstance(node.value, dict):
        return {key: to_python(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(to_python(child) for child in node.value)
    return node.value


def _kind(root: Node, sink: Sink) -> str:
    said = at(root, ("kind",))
    if said is not None and said.value in _KINDS:
        return str(said.value)
    assert isinstance(root.value, dict)
    shape = "AIService" if "runtime" in root.value or "workload" in root.value or "prometheus" not in root.value \
        else "AIPlatform"
    if said is None:
        sink.error("V103", "found no `kind`, expected `AIService` or `AIPlatform`", root.place, path="kind",
                   hint=f"write `kind: {shape}`")
    return shape


def _parts(root: Node, kind: str) -> Iterator[tuple[Path, type[Block], tuple[str, ...]]]:
    """The partial documents inside a document, with the keys that may not stand in them."""
    overlays = at(root, ("environments",))
    model = _KINDS[kind]
    if overlays is not None and isinstance(overlays.value, dict):
        for key in overlays.value:
            yield ("environments", key), model, ("apiVersion", "kind", "environments")
    if kind != "AIPlatform":
        return
    yield ("defaults",), AIService, _FIXED
    yield ("enforced",), AIService, _FIXED
    profiles = at(root, ("profiles",))
    if profiles is not None and isinstance(profiles.value, dict):
        for key in profiles.value:
            yield ("profiles", key), AIService, _FIXED


def _partial(model: type[Block], root: Node, path: Path, banned: tuple[str, ...], known: set[Path],
             sink: Sink) -> set[Path]:
    part = at(root, path)
    if part is None or part.null_word:
        return set()
    if not isinstance(part.value, dict):
        sink.error("V104", f"found {shown(part)}, expected a mapping", part.place, path=render(path),
                   hint="write what is different there, or {}")
        return {path}
    bad: set[Path] = set()
    fixed: list[Path] = [(key,) for key in banned if key in part.value]
    fixed += [("metadata", "name")] if at(part, ("metadata", "name")) is not None else []
    for key in fixed:
        sink.error("V106", f"`{render(key)}` cannot be set here: it is the whole document's", place_of(part, key, key=True),
                   path=render((*path, *key)), hint="move it to the document itself, or leave it out")
        bad.add((*path, *key))
    sound = _prune(part, set(fixed) | {gone[len(path):] for gone in known if gone[:len(path)] == path})
    return bad | _structure(model, sound, path, sink)


def _structure(model: type[Block], root: Node, prefix: Path, sink: Sink) -> set[Path]:
    tree = without_nulls(root) or root
    bad: set[Path] = set()
    try:
        model.model_validate(to_python(tree))
    except ValidationError as error:
        for problem in _problems(error, tree):
            needed = not prefix and problem.path in _ALWAYS
            if problem.type == "missing" and not needed:
                continue
            if problem.path == ("kind",) and problem.type == "missing":
                continue
            _report(problem, model, tree, sink, prefix)
            bad.add((*prefix, *problem.path))
    return bad


def _problems(error: ValidationError, tree: Node) -> list[_Problem]:
    """pydantic's errors with document paths, one for each place: the branches of a union speak with one voice."""
    found: dict[tuple[Path, bool], _Problem] = {}
    for one in error.errors(include_url=False, include_input=False):
        path, on_key = _path(one["loc"], tree, missing=one["type"] == "missing")
        new = _Problem(path, one["type"], one["msg"], one.get("ctx") or {}, on_key)
        old = found.setdefault((path, on_key), new)
        if old is not new and new.message not in old.message and "extra" not in old.type:
            found[path, on_key] = old._replace(type="union", message=f"{old.message}; or {new.message}")
    return sorted(found.values(), key=lambda problem: [str(step) for step in problem.path])


def _path(loc: tuple[int | str, ...], tree: Node, *, missing: bool) -> tuple[Path, bool]:
    path: Path = ()
    for index, step in enumerate(loc):
        if step == "[key]":
            return path, True
        inside = at(tree, (*path, step)) is not None
        if inside or (missing and index == len(loc) - 1):
            path = (*path, step)
    return path, False


def shown(node: Node) -> str:
    """What was found, for a message: short, harmless, and never a credential."""
    if isinstance(node.value, dict):
        return "a mapping"
    if isinstance(node.value, tuple):
        return "a list"
    if node.value is None:
        return "nothing"
    text = node.text or str(node.value)
    if looks_like_credential(text):
        return "a value that looks like a credential"
    short = encode.terminal(text if len(text) <= 40 else text[:40] + "…")
    kind = {bool: "the truth value ", int: "the number ", float: "the number "}.get(type(node.value), "")
    return f"{kind}`{short}`"


def _report(problem: _Problem, model: type[Block], tree: Node, sink: Sink, prefix: Path = ()) -> None:
    where = site(model, problem.path)
    path = render((*prefix, *problem.path))
    node = at(tree, problem.path)
    if problem.type == "missing":
        sink.error("V103", f"found no `{problem.path[-1]}`, expected {where.expected}", place_of(tree, problem.path),
                   path=path, hint=where.example_hint)
    elif problem.type == "extra_forbidden":
        _unknown(problem, site(model, problem.path[:-1]), tree, path, sink)
    elif problem.on_key:
        sink.error("V105", f"the key `{encode.terminal(str(problem.path[-1]))[:60]}` is no name that can stand here: "
                   + _lower(problem.message), place_of(tree, problem.path, key=True), path=path, hint="rename it")
    elif node is not None and isinstance(node.value, str) and node.value in where.later_values:
        sink.error("V102", f"`{node.value}` is not in this version", node.place, path=path,
                   hint=f"use one of {_choices(where.choices)}")
    else:
        found = shown(node) if node is not None else "nothing"
        expected, hint = _expectation(problem, where, node)
        sink.error("V104", f"found {found}, {expected}", place_of(tree, problem.path), path=path, hint=hint)


def _unknown(problem: _Problem, owner: Site, tree: Node, path: str, sink: Sink) -> None:
    key = str(problem.path[-1])
    place = place_of(tree, problem.path, key=True)
    if key in owner.later:
        sink.error("V102", f"`{key}` ({owner.later[key]}) is not in this version", place, path=path,
                   hint="leave it out: it would have no effect")
        return
    near = difflib.get_close_matches(key, owner.keys, 1, 0.6)
    hint = f"did you mean `{near[0]}`?" if near else f"known keys are {_choices(owner.keys)}"
    sink.error("V101", f"unknown key `{encode.terminal(key[:60])}`", place, path=path, hint=hint)


def _choices(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _expectation(problem: _Problem, where: Site, node: Node | None) -> tuple[str, str]:
    if problem.type == "literal_error" and where.choices:
        near = difflib.get_close_matches(str(node.value) if node is not None else "", where.choices, 1)
        hint = f"did you mean `{near[0]}`?" if near else f"use one of {_choices(where.choices)}"
        return f"expected one of {_choices(where.choices)}", hint
    if problem.type in {"string_type", "string_sub_type"} and node is not None and isinstance(node.value, int | float):
        return "expected text", f'put it in quotes: "{node.text}"'
    if problem.type in {"duration", "ratio", "quantity"}:
        return problem.message, where.example_hint
    if problem.type == "string_pattern_mismatch":
        return f"expected {where.expected}", where.example_hint
    if problem.type in {"string_too_long", "string_too_short"}:
        return "expected: " + _lower(problem.message), where.example_hint
    if problem.type == "union":
        return f"expected {where.expected}", where.example_hint
    if problem.type in {"model_type", "dict_type"}:
        return "expected a mapping", where.example_hint
    if problem.type == "tuple_type":
        return "expected a list", where.example_hint
    return "expected: " + _lower(problem.message), where.example_hint


def _mended(tree: Node, problem: _Problem, model: type[Block]) -> Node:
    """The tree with a stand-in at a bad place, or without the smallest optional thing around it."""
    if problem.type != "missing":
        if at(tree, problem.path) is not None and problem.path:
            tree = _prune(tree, {problem.path})
        return tree
    stand_in = _STAND_INS.get(problem.path)
    if stand_in is not None and model in _KINDS.values():
        return _with(tree, problem.path, _literal(_named(stand_in, model), tree.place))
    return _prune(tree, {problem.path[:-1]}) if len(problem.path) > 1 else tree


_STAND_INS: dict[Path, object] = {
    ("apiVersion",): API_VERSION,
    ("kind",): "",
    ("metadata",): {"name": "unnamed", "namespace": "default", "team": "unknown"},
    ("metadata", "name"): "unnamed",
    ("metadata", "namespace"): "default",
    ("metadata", "team"): "unknown",
    ("runtime",): {"name": "custom"},
    ("runtime", "name"): "custom",
}


def _named(value: object, model: type[Block]) -> object:
    if value == "":
        return model.__name__
    if isinstance(value, dict) and model is AIPlatform:
        return {"name": "unnamed"}
    return value


def _literal(value: object, place: Place) -> Node:
    if isinstance(value, dict):
        return Node({key: _literal(item, place) for key, item in value.items()}, place, dict.fromkeys(value, place))
    return Node(str(value), place, None, str(value))


def _with(tree: Node, path: Path, new: Node) -> Node:
    if not path:
        return new
    assert isinstance(tree.value, dict)
    step = str(path[0])
    below = tree.value.get(step) or Node({}, tree.place, {})
    return replace(tree, value={**tree.value, step: _with(below, path[1:], new)}, keys={**(tree.keys or {}), step: new.place})


def _prune(node: Node, bad: set[Path]) -> Node:
    """The tree without the nodes at these paths."""
    if not bad:
        return node
    heads = {path[0] for path in bad if path}
    gone = {path[0] for path in bad if len(path) == 1}
    if isinstance(node.value, dict):
        value = {key: _prune(child, {p[1:] for p in bad if p and p[0] == key}) if key in heads else child
                 for key, child in node.value.items() if key not in gone}
        return replace(node, value=value)
    if isinstance(node.value, tuple):
        items = tuple(_prune(child, {p[1:] for p in bad if p and p[0] == index}) if index in heads else child
                      for index, child in enumerate(node.value) if index not in gone)
        return replace(node, value=items)
    return node


def _walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    pending = [(path, node)]
    while pending:
        here, one = pending.pop()
        yield here, one
        if isinstance(one.value, dict):
            pending.extend(((*here, key), child) for key, child in one.value.items())
        elif isinstance(one.value, tuple):
            pending.extend(((*here, index), child) for index, child in enumerate(one.value))


def _empty(root: Node, sink: Sink) -> set[Path]:
    bad: set[Path] = set()
    for path, node in _walk(root):
        if node.value is None and not node.null_word and path:
            sink.error("V107", f"`{render(path)}` has no value", place_of(root, path, key=True), path=render(path),
                       hint="write a value, or the word `null` to remove what a lower layer says")
            bad.add(path)
    return bad


def _credentials(root: Node, sink: Sink) -> set[Path]:
    bad: set[Path] = set()
    for path, node in _walk(root):
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        if isinstance(node.value, str) and looks_like_credential(node.value, key):
            sink.error("P401", f"the value of `{render(path)}` looks like a credential", node.place, path=render(path),
                       hint="put it into a Kubernetes Secret, write {name, key} here, and revoke what was written")
            bad.add(path)
    return bad


def _duplicates(root: Node, sink: Sink) -> set[Path]:
    bad: set[Path] = set()
    for path, node in _walk(root):
        if not path or path[-1] not in NAMED_LISTS or not isinstance(node.value, tuple):
            continue
        seen: dict[str, Place] = {}
        for index, item in enumerate(node.value):
            if not isinstance(item.value, dict):
                continue
            name = name_of(item)
            place = place_of(item, ("name",))
            if name in seen:
                sink.error("V108", f"two items of `{render(path)}` are called `{encode.terminal(name)}`", place,
                           path=render((*path, index)), hint="give each a name of its own",
                           related=(Related(seen[name], "the other one"),))
                bad.add((*path, index))
            seen.setdefault(name, place)
    return bad
