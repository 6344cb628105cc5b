"""A catalog file → `Profile`. A mistake in it becomes a diagnostic at its line, as in a spec, and all come in one run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from obsc.advice import quoted, shown_path
from obsc.catalog.consistency import mistakes
from obsc.catalog.form import ProfileForm, to_profile
from obsc.catalog.profile import Profile
from obsc.diagnostics import Sink, render
from obsc.problems import Problem, parse, report
from obsc.source import Node, Path, Source, at, load, place_of
from obsc.spec.reflect import site
from obsc.tree import covered, graft, prune, to_python
from obsc.validate import scan, unread

_ROUNDS = 4
_WAY = 3  # steps to a way to read a signal: `signals`, the signal, a number
# What an entry without a sound one is taken to have, so that the rest can be looked at.
_STAND_INS: Mapping[Path, str] = {("name",): "unnamed", ("title",): "unnamed", ("class",): "generic", ("startup",): "2m"}
_FOREIGN = ("apiVersion", "kind")


def read(file: str, raw: bytes, sink: Sink) -> Profile | None:
    """The entry that a file's bytes describe, or None with the reasons in the sink."""
    own = sink.fresh()
    found = entry(load(file, raw, own), own)
    sink.extend(own)
    return found


def entry(source: Source, sink: Sink) -> Profile | None:
    """The entry that a file describes, or None with the reasons in the sink, which may hold those of the loader already."""
    own, told = sink.fresh(), sink.places().get(source.file, [])
    root = source.documents[0].root if source.documents else None
    found = _described(root, unread(root, told), own) if root is not None and not _is_foreign(source, own) else None
    sink.extend(own)
    return None if own.failed or told else found


def _is_foreign(source: Source, sink: Sink) -> bool:
    """Whether a file holds something else than an entry, or more than one."""
    root = source.documents[0].root
    if any(at(root, (key,)) is not None for key in _FOREIGN):
        sink.error("R283", "found a document with `apiVersion` or `kind` among catalog entries, expected an entry",
                   place_of(root, (next(key for key in _FOREIGN if at(root, (key,)) is not None),), key=True),
                   hint="move it out of the folder: nothing in a folder of `catalogs` is compiled as a spec")
        return True
    for document in source.documents[1:]:
        sink.error("R280", "found a second document, expected one entry in a file", document.root.place,
                   hint="give each entry a file of its own, called like it")
    return False


def _described(root: Node, bad: set[Path], sink: Sink) -> Profile | None:
    empty = scan(root, bad, sink)
    for path in empty:
        if not covered(path, bad):
            sink.error("V107", f"`{shown_path(path)}` has no value", place_of(root, path, key=True), path=shown_path(path),
                       hint="write a value, or leave the key out")
    form, tree = _sound(root, bad | empty, sink)
    if form is None:
        return None
    profile = to_profile(form)
    for mistake in mistakes(form, profile, root if tree is not root else None):
        path = _as_written(mistake.path, tree, root)
        sink.error(mistake.code, mistake.message, place_of(tree, mistake.path, key=mistake.on_key), path=render(path), hint=mistake.hint)
    return profile


def _sound(root: Node, bad: set[Path], sink: Sink) -> tuple[ProfileForm | None, Node]:
    """The form of what is sound of a file, and the tree of it: the root itself if nothing had to go."""
    tree = root
    for number in range(_ROUNDS):
        form, found = parse(ProfileForm, to_python(tree, nulls=True))
        problems = _exact(found)
        cuts = {cut for problem in problems for cut in [_cut(problem)] if cut} | (bad if number == 0 else set())
        if not cuts and not problems:
            return (form if isinstance(form, ProfileForm) else None), tree
        for problem in problems:
            # What is missing in a later round is missing because an earlier one took it out.
            if not covered(problem.path, bad) and not (number and problem.type == "missing"):
                report(problem, ProfileForm, tree, sink)
        tree = _with_stand_ins(prune(tree, cuts), problems)
    return None, tree


def _exact(found: tuple[Problem, ...]) -> list[Problem]:
    """Problems, without those of a whole where another form of it has one of a part: the part says more."""
    return [one for one in found
            if not any(len(other.path) > len(one.path) and other.path[:len(one.path)] == one.path for other in found)]


def _cut(problem: Problem) -> Path:
    """What goes because of a problem: the value, or the nearest thing around it that may be left out; of signals a whole way to
    read one, since half of it would be another.
    """
    if problem.path[:1] == ("signals",) and len(problem.path) > _WAY:
        return problem.path[:_WAY]
    for length in range(len(problem.path), 0, -1):
        path = problem.path[:length]
        is_absent = problem.type == "missing" and length == len(problem.path)
        is_unknown = problem.on_key and length == len(problem.path)
        if not is_absent and (is_unknown or isinstance(path[-1], int) or site(ProfileForm, path).optional):
            return path
    return ()


def _with_stand_ins(tree: Node, problems: Iterable[Problem]) -> Node:
    for problem in problems:
        value = _STAND_INS.get(problem.path)
        if value is not None:
            tree = graft(tree, problem.path, Node(value, tree.place, None, value))
    return tree


def _as_written(path: Path, tree: Node, root: Node) -> Path:
    """A path of the tree as the file has it, whose lists may be longer: items are the same if they stand at the same place."""
    written: Path = ()
    for length, step in enumerate(path):
        item, whole = at(tree, path[:length + 1]), at(root, written)
        if isinstance(step, int) and item is not None and whole is not None and isinstance(whole.value, tuple):
            step = next((index for index, one in enumerate(whole.value) if one.place == item.place), step)  # noqa: PLW2901
        written = (*written, quoted(step) if isinstance(step, str) else step)
    return written
