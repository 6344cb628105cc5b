"""Objects that meet another of the same name where both would be applied together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from obsc.diagnostics import Diagnostic, Place, Related, Severity
from obsc.verify.problem import at, items, shown

_RENAMING = ("namespace", "namePrefix", "nameSuffix")


class Named(NamedTuple):
    """An object: its file, its group, kind, namespace and name, and the place of its name."""

    file: FilePath
    identity: tuple[str, str, str, str]
    place: Place


def check(objects: Sequence[Named], kustomizations: Mapping[FilePath, object]) -> Iterator[Diagnostic]:
    """Objects of one identity in what a kustomization brings together, or in a file or folder without one.

    `kustomizations` has the documents by their folders. One that renames what it takes in is passed over.
    """
    by_file: dict[FilePath, list[Named]] = {}
    for one in objects:
        by_file.setdefault(one.file, []).append(one)
    for folder in kustomizations:
        files = _files(folder, kustomizations)
        yield from _twice([one for file in sorted(set(files)) for one in by_file.get(file, ())], together=True)
    for folder in {one.file.parent for one in objects} - set(kustomizations):
        yield from _twice([one for file in sorted(by_file) if file.parent == folder for one in by_file[file]], together=False)


def _files(folder: FilePath, kustomizations: Mapping[FilePath, object]) -> list[FilePath]:
    """The files that a kustomization takes in, with those of others that it names; none if any of them renames."""
    found: list[FilePath] = []
    todo, seen = [folder], set[FilePath]()
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        config: Any = kustomizations[one]
        if any(at(config, key) for key in _RENAMING):
            return []
        for entry in items(at(config, "resources")):
            target = (one / str(entry)).resolve()
            if target in kustomizations:
                todo.append(target)
            else:
                found.append(target)
    return found


def _twice(objects: Sequence[Named], *, together: bool) -> Iterator[Diagnostic]:
    """Objects of one identity. Files that only lie in one folder (not `together`) may be meant as alternatives."""
    first: dict[tuple[str, str, str, str], Named] = {}
    for one in objects:
        other = first.setdefault(one.identity, one)
        if other is not one:
            _, kind, namespace, name = one.identity
            where = f" in {shown(namespace)}" if namespace else ""
            severity = Severity.ERROR if together or one.file == other.file else Severity.WARNING
            yield Diagnostic("X616", severity, f"found the {kind} {shown(name)}{where} twice", one.place,
                             hint="rename or delete one of them", related=(Related(other.place, "first here"),))
