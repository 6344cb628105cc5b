"""Manifests and configuration files, whoever made them → everything that their consumers would refuse or misread.

Each module judges one consumer's files and says what is wrong at which path of the data; `pieces` knows the lines.
Nothing is executed, no network is used, and nothing outside of the given folders is opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from obsc.diagnostics import Place, Sink
from obsc.source import Path, Source
from obsc.verify import kinds, kustomization, repetition, schemas
from obsc.verify.pieces import JSON_END, YAML_ENDS, Piece, diagnostic, inside, read
from obsc.verify.problem import Problem, at, below, mapping

missing = schemas.missing
versions = schemas.versions


@dataclass(slots=True)
class Verified:
    """What was read: texts by file for carets, and how many objects and configuration files there were in them.

    `unknown` counts objects of kinds without a schema.
    """

    sources: dict[str, Source] = field(default_factory=dict)
    objects: int = 0
    configurations: int = 0
    unknown: int = 0

    @property
    def summary(self) -> str:
        """The counts in a line."""
        counts = ((len(self.sources), "file"), (self.objects, "object"), (self.configurations, "configuration"))
        shown = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counts)
        return shown + (f", no schema for {self.unknown} of the objects" if self.unknown else "")


@dataclass(slots=True)
class _Run:
    sink: Sink
    version: str
    done: Verified = field(default_factory=Verified)
    named: list[repetition.Named] = field(default_factory=list)
    kustomizations: dict[FilePath, object] = field(default_factory=dict)
    patches: set[FilePath] = field(default_factory=set)


def chosen(kubernetes: str | None, platforms: Sequence[FilePath], sink: Sink) -> Callable[[FilePath], str]:
    """The version of Kubernetes for a file: the given one, or that of its environment's platform, or the newest known."""
    if kubernetes is None and platforms:
        from obsc.verify.platforms import versions_of  # noqa: PLC0415  the models of the language, wanted only here

        return versions_of(platforms, sink)
    version = _minor(kubernetes or versions()[-1])
    return lambda _: version


def is_known(kubernetes: str) -> bool:
    """Whether the schemas of a version such as `1.33`, `v1.33` or `1.33.4` are there."""
    return re.fullmatch(r"v?\d+\.\d+(\.\d+)?", kubernetes) is not None and _minor(kubernetes) in versions()


def _minor(version: str) -> str:
    return ".".join(version.removeprefix("v").split(".")[:2])


def verify(paths: Sequence[FilePath], sink: Sink, version: Callable[[FilePath], str]) -> Verified:
    """Check every YAML and JSON file at or below the paths. `version` is that of Kubernetes for a file."""
    run = _Run(sink, "")
    # What a kustomization says of other files must be known before they are judged.
    for file in sorted(_found(paths, sink), key=lambda one: (one.name not in kustomization.NAMES, one)):
        run.version = version(file)
        source, pieces = read(file, sink)
        if source is not None:
            run.done.sources[source.file] = source
        for piece in pieces:
            _check(run, file, piece)
    sink.extend(repetition.check(run.named, run.kustomizations))
    if not run.done.objects and not run.done.configurations and not sink.failed:
        sink.error("X601", "found nothing to verify: no Kubernetes object and no configuration that is known",
                   Place(paths[0].as_posix()), hint="give a folder of manifests, such as out")
    return run.done


def _found(paths: Iterable[FilePath], sink: Sink) -> tuple[FilePath, ...]:
    """The files to read, sorted. Hidden ones are left out, and links that lead out of a folder refused."""
    found: set[FilePath] = set()
    for path in paths:
        if path.is_file():
            found.add(path)
            continue
        root = path.resolve()
        for one in path.rglob("*"):
            hidden = any(part.startswith(".") for part in one.parts[len(path.parts):])
            wanted = one.suffix in {*YAML_ENDS, JSON_END} or one.name in kustomization.NAMES
            if hidden or not wanted or not one.is_file():
                continue
            if one.resolve().is_relative_to(root):
                found.add(one)
            else:
                sink.error("L018", "the file is a link that leads out of its folder", Place(one.as_posix()), hint="copy the file")
    return tuple(sorted(found))


def _check(run: _Run, file: FilePath, piece: Piece) -> None:
    data = piece.data
    if kustomization.is_kustomization(piece.name, data):
        run.done.configurations += 1
        run.kustomizations[file.parent.resolve()] = data
        run.patches.update(kustomization.patches(data, file.parent))
        _report(run, piece, kustomization.check(data, file.parent))
    elif kinds.is_spec(data) or file.resolve() in run.patches:
        return
    elif kinds.is_object(data):
        for path, one in kinds.members(data):
            _check_object(run, file, piece, path, one)
    else:
        _check_configuration(run, piece)


def _check_object(run: _Run, file: FilePath, piece: Piece, path: Path, data: Mapping[str, Any]) -> None:
    run.done.objects += 1
    size = piece.size if not path else len(repr(data))
    _report(run, piece, below(path, kinds.check_object(data, run.version, size)))
    identity = _identity(data)
    if identity[-1]:
        run.named.append(repetition.Named(file.resolve(), identity, piece.place((*path, "metadata", "name"), False)))
    for text in kinds.texts(data):
        for one in inside(piece, (*path, *text.path), text.name, text.text, run.sink):
            _check_configuration(run, one)


def _check_configuration(run: _Run, piece: Piece) -> None:
    kind = kinds.configuration(piece.name, piece.data)
    if kind:
        run.done.configurations += 1
        _report(run, piece, kinds.CONFIGURATIONS[kind](piece.data))


def _report(run: _Run, piece: Piece, problems: Iterator[Problem]) -> None:
    for problem in problems:
        run.done.unknown += problem.code == "X607"
        run.sink.add(diagnostic(piece, problem))


def _identity(data: Mapping[str, Any]) -> tuple[str, str, str, str]:
    metadata = mapping(data.get("metadata"))
    group = str(data.get("apiVersion")).rpartition("/")[0]
    return group, str(data.get("kind")), str(at(metadata, "namespace") or ""), str(at(metadata, "name") or "")
