"""Document → the part of it that the language accepts, with every problem at its line.

Validation happens twice with the same models. As written (`check`, here) little is required, since another layer may
supply it; merged (`build`, in `recovery`) everything is. Both go on behind an error.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from obsc.advice import letters, quoted, shown, shown_path
from obsc.diagnostics import Place, Related, Sink
from obsc.merge import name_of
from obsc.problems import Problem, parse, report
from obsc.recovery import build
from obsc.secrets import looks_like_credential
from obsc.source import DEEPEST, Document, Node, Path, at, place_of
from obsc.spec.base import Block
from obsc.spec.partial import ALWAYS, ANY, FIXED, PARTS
from obsc.spec.platform import AIPlatform
from obsc.spec.reflect import fields
from obsc.spec.service import NAMED_LISTS, AIService
from obsc.tree import children, covered, prune, to_python, walk

__all__ = ["Accepted", "build", "check", "scan", "unread"]

_OWN_GROUP = "obsc"
_KINDS: dict[str, type[Block]] = {"AIService": AIService, "AIPlatform": AIPlatform}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A document as far as it is sound.

    `kind` is "AIService" or "AIPlatform" (what it is meant to be, if it does not say), or "" if nothing tells.
    `tree` has only sound values; the word `null` stays, for merging. `pruned` marks what is missing from it because
    it was reported: paths from the document's root, where an item of a named list is stepped into by its name.
    `failed`: an error was reported.
    """

    document: Document
    kind: str
    tree: Node
    pruned: frozenset[Path]
    failed: bool


class _Part(NamedTuple):
    """A document, or a partial one inside it: where it is, of what kind, and what may not stand in it."""

    path: Path
    model: type[Block]
    fixed: tuple[Path, ...] = ()


def check(document: Document, sink: Sink, told: Collection[Place] = ()) -> Accepted:
    """Validate a document as it is written. `told` are the places of errors that the loader found in the file.

    What the loader could not read stands in the tree as some text: that is not complained of twice.
    """
    own, root = sink.fresh(), document.root
    mine = [place for place in told if place.line in document.lines]
    kind, bad = _kind(root, own)
    empty = scan(root, bad, own)
    bad |= unread(root, mine)
    if kind:
        data = to_python(root)
        for part in _parts(_KINDS[kind], data):
            _check_part(part, root, data, (bad, empty), own)
        _report_empty(root, empty, bad, own)
        _check_names(root, bad, empty, own)
    bad |= empty
    sink.extend(own)
    tree = prune(root, bad) if kind else Node({}, root.place, {})
    return Accepted(document, kind, tree, _marks(root, bad), own.failed or bool(mine))


def unread(root: Node, told: Collection[Place]) -> set[Path]:
    """Scalars and keys with an error of the loader in them, or with a tag before them that is none."""
    if not told:
        return set()
    by_line: dict[int, list[Place]] = defaultdict(list)
    for place in told:
        by_line[place.line].append(place)

    def told_of(place: Place) -> bool:
        return any(one.column < place.end_column and place.column <= one.end_column + 1 for one in by_line[place.line])

    found = {path for path, node in walk(root) if not isinstance(node.value, dict | tuple) and told_of(node.place)}
    keys = {(*path, key) for path, node in [((), root), *walk(root)] for key, place in (node.keys or {}).items() if told_of(place)}
    return found | keys


def _kind(root: Node, sink: Sink) -> tuple[str, set[Path]]:
    """The kind of a document, or what it is meant to be; and the path of `kind` if that was reported."""
    said = at(root, ("kind",))
    if said is not None and isinstance(said.value, str) and said.value in _KINDS:
        return said.value, set()
    shape = _shape(root, said)
    wanted = f"`kind: {shape}`" if shape else "`kind: AIService` for a service, `kind: AIPlatform` for what services share"
    if said is None or said.null_word:
        sink.error("V103", "found no `kind`, expected one of `AIService`, `AIPlatform`", place_of(root, ("kind",)),
                   path="kind", hint=f"write {wanted}")
    elif said.value is None:
        return shape, set()
    else:
        sink.error("V104", f"found {shown(said)}, expected one of `AIService`, `AIPlatform`", place_of(root, ("kind",)),
                   path="kind", hint=f"write {wanted}")
    return shape, {("kind",)}


def _shape(root: Node, said: Node | None) -> str:
    """What a document without a sound kind is meant to be: by a kind that is nearly right, else by its keys."""
    version = at(root, ("apiVersion",))
    if version is not None and isinstance(version.value, str) and not version.value.startswith(_OWN_GROUP):
        return ""
    word = said.value if said is not None and isinstance(said.value, str) else ""
    near = difflib.get_close_matches(letters(word), [letters(kind) for kind in _KINDS], 1)
    if near:
        return next(kind for kind in _KINDS if letters(kind) == near[0])
    if word and version is None:
        return ""
    present = set(root.value) if isinstance(root.value, dict) else set()
    known = {kind: {*fields(model), *model.later} for kind, model in _KINDS.items()}
    shared = set.intersection(*known.values())
    score, best = max((len(present & keys - shared), kind) for kind, keys in known.items())
    return best if score else ""


def scan(root: Node, bad: set[Path], sink: Sink) -> set[Path]:
    """Report credentials and what is too deep; the paths that have no value, which depends on what they belong to."""
    empty: set[Path] = set()
    for path, node in walk(root):
        key = next((step for step in reversed(path) if isinstance(step, str)), "")
        if node.value is None:
            if not node.null_word or isinstance(path[-1], int):
                empty.add(path)
        elif len(path) == DEEPEST and children(node):
            sink.error("L001", f"found more than {DEEPEST} levels of nesting", node.place, hint="write the value out, flatter")
            bad.add(path)
        if isinstance(path[-1], str) and looks_like_credential(path[-1]):
            _credential(path, place_of(root, path, key=True), "a key", bad, sink)
        elif not isinstance(node.value, dict | tuple | bool | None) and looks_like_credential(node.text or str(node.value), key):
            _credential(path, node.place, f"the value of `{shown_path(path)}`", bad, sink)
    return empty


def _credential(path: Path, place: Place, what: str, bad: set[Path], sink: Sink) -> None:
    sink.error("P401", f"{what} looks like a credential, expected none in a spec", place, path=shown_path(path),
               hint="put it into a Kubernetes Secret, refer to it by `{name, key}`, and revoke what was written")
    bad.add(path)


def _parts(model: type[Block], data: object) -> Iterator[_Part]:
    """The document itself, then the partial documents in it, as far as they are there."""
    pending = [_Part((), model)]
    while pending:
        part = pending.pop()
        yield part
        pending += reversed([_Part(path, inner.model, inner.fixed) for inner in PARTS.get(part.model, ())
                             for path in _places(inner.path, part.path, data)])


def _places(wanted: Path, base: Path, data: object) -> Iterator[Path]:
    """The paths below `base` that a part may stand at: `*` is any name that is there."""
    step, *rest = wanted
    inner = _dig(data, base)
    for name in (tuple(inner) if isinstance(inner, dict) else ()) if step == ANY else (step,):
        yield from _places((*rest,), (*base, name), data) if rest else ((*base, name),)


def _dig(data: object, path: Path) -> object:
    for step in path:
        data = data.get(step) if isinstance(data, dict) else None
    return data


def _check_part(part: _Part, root: Node, data: object, known: tuple[set[Path], set[Path]], sink: Sink) -> None:
    bad, empty = known
    content = _dig(data, part.path)
    if content is None or covered(part.path, bad):
        return
    for path in part.fixed:
        key = path[-1]
        if key not in part.model.later and at(root, (*part.path, *path)) is not None:
            _report_fixed(part, path, root, sink)
            bad.add((*part.path, *path))
    if not isinstance(content, dict):
        node = at(root, part.path)
        sink.error("V104", f"found {shown(node) if node is not None else 'nothing'}, expected a mapping",
                   place_of(root, part.path), path=shown_path(part.path), hint="write `{}` if nothing is different there")
        bad.add(part.path)
    _, problems = parse(part.model, content)
    for problem in (*problems, *_removed_in_vain(part, root)):
        path = (*part.path, *problem.path)
        if covered(path, bad) or covered(path, empty) or not _final(problem, part):
            continue
        report(problem, part.model, root, sink, prefix=part.path)
        bad.add(path)


def _removed_in_vain(part: _Part, root: Node) -> Iterator[Problem]:
    """Keys that the language does not have and the word `null` removes: they would be as good as absent."""
    node = at(root, part.path)
    if node is None or not any(one.null_word for _, one in walk(node)):
        return
    _, problems = parse(part.model, to_python(node, nulls=True))
    for problem in problems:
        key = at(node, problem.path)
        if problem.on_key and key is not None and key.null_word:
            yield problem


def _report_fixed(part: _Part, path: Path, root: Node, sink: Sink) -> None:
    full = (*part.path, *path)
    owner = "the whole document says it" if part.fixed is FIXED else "every service says it for itself"
    if path == ("profile",):
        owner = "a profile does not build on another"
    sink.error("V106", f"`{shown_path(path)}` cannot be set in `{shown_path(part.path)}`", place_of(root, full, key=True),
               path=shown_path(full), hint=f"leave it out: {owner}")


def _final(problem: Problem, part: _Part) -> bool:
    """Whether a problem cannot be mended by another layer, as something missing can; save a name that items merge by."""
    if problem.type != "missing":
        return True
    in_named_item = len(problem.path) > 2 and problem.path[-1] == "name" and problem.path[-3] in NAMED_LISTS
    return in_named_item or (not part.path and problem.path in ALWAYS)


def _report_empty(root: Node, empty: Collection[Path], bad: Collection[Path], sink: Sink) -> None:
    for path in empty:
        if covered(path[:-1], bad):
            continue
        node, key = at(root, path), path[-1]
        hint = "write a value, or the word `null` to remove what a lower layer says"
        if isinstance(key, int):
            hint = "write the item, or delete it; `[]` empties a list"
        elif path[-2:-1] in {("environments",), ("profiles",)}:
            hint = f"write `{quoted(key)}: {{}}` if nothing is different there"
        what = "`null` in a list removes nothing" if node is not None and node.null_word else f"`{shown_path(path)}` has no value"
        sink.error("V107", what, place_of(root, path, key=True), path=shown_path(path), hint=hint)


def _check_names(root: Node, bad: set[Path], empty: Collection[Path], sink: Sink) -> None:
    """Report items of one name. An item whose name is not sound goes whole: it would merge with the wrong one."""
    for path, node in walk(root):
        if path[-1] not in NAMED_LISTS or not isinstance(node.value, tuple) or covered(path, bad):
            continue
        seen: dict[str, Place] = {}
        for index, item in enumerate(node.value):
            here = (*path, index)
            if not isinstance(item.value, dict) or here in bad:
                continue
            if (*here, "name") in bad or (*here, "name") in empty:
                bad.add(here)
                continue
            name, place = name_of(item), place_of(root, (*here, "name"))
            if name in seen:
                _report_twice(name, here, (place, seen[name]), sink)
                bad.add(here)
            seen.setdefault(name, place)


def _report_twice(name: str, path: Path, places: tuple[Place, Place], sink: Sink) -> None:
    sink.error("V108", f"two items of `{shown_path(path[:-1])}` are called `{quoted(name)}`, expected names of their own",
               places[0], path=shown_path(path), hint="rename one; an item without a name is `default`",
               related=(Related(places[1], "the other one"),))


def _marks(root: Node, bad: Collection[Path]) -> frozenset[Path]:
    """Paths as they can be found again after pruning and merging: named items by name, others by their new index.

    An item that is gone is stepped into by a text that no item has for a name, which tells that its list is shorter.
    """
    gone: dict[Path, list[int]] = defaultdict(list)
    for path in sorted((path for path in bad if isinstance(path[-1], int)), key=lambda path: path[-1]):
        gone[path[:-1]].append(int(path[-1]))
    return frozenset(_mark(root, path, gone) for path in bad if not covered(path[:-1], bad))


def _mark(root: Node, path: Path, gone: Mapping[Path, list[int]]) -> Path:
    mark: Path = ()
    for length, step in enumerate(path):
        if isinstance(step, str):
            mark = (*mark, step)
            continue
        item, before = at(root, path[:length + 1]), gone.get(path[:length], [])
        if length + 1 == len(path):
            return (*mark, f"[{step}]")
        is_named = path[length - 1] in NAMED_LISTS and item is not None and isinstance(item.value, dict)
        mark = (*mark, name_of(item) if is_named and item is not None else step - bisect_left(before, step))
    return mark
