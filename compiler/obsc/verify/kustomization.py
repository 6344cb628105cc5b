"""kustomization.yaml: its form, the files that it names, and the objects that it brings together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

from obsc.diagnostics import Severity
from obsc.verify import forms
from obsc.verify.problem import Problem, at, items, mapping, repeated, shown

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FILES = ("resources", "components", "bases", "crds", "configurations", "generators", "transformers", "validators")
_PATCHES = ("patches", "patchesJson6902")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_DEPRECATED = {"bases": "resources", "commonLabels": "labels", "patchesStrategicMerge": "patches", "patchesJson6902": "patches",
               "vars": "replacements", "imageTags": "images"}
_REMOTE = ("://", "github.com/", "git@", "?ref=")


def is_kustomization(name: str, data: object) -> bool:
    """Whether a document is kustomize's, by its file's name or its own words."""
    return name in NAMES or (at(data, "kind") in ("Kustomization", "Component") and str(at(data, "apiVersion")).startswith("kustomize."))


def patches(data: object, folder: FilePath) -> Iterator[FilePath]:
    """The files that a kustomization puts over others: they hold parts of objects."""
    named = [at(one, "path") for key in _PATCHES for one in items(at(data, key))] + items(at(data, "patchesStrategicMerge"))
    yield from ((folder / one).resolve() for one in named if isinstance(one, str) and "\n" not in one)


def check(data: object, folder: FilePath) -> Iterator[Problem]:
    """What is wrong with a kustomization that lies in this folder. Files outside of the folder are only looked for."""
    yield from forms.check("kustomization", data)
    config = mapping(data)
    for key, better in _DEPRECATED.items():
        if config.get(key):
            yield Problem("X651", (key,), f"`{key}` is deprecated", f"write `{better}:`", key=True, severity=Severity.WARNING)
    for key in _FILES:
        entries = items(config.get(key))
        for index, first in repeated(entries):
            yield Problem("X651", (key, index), f"{shown(entries[index])} is also item {first + 1}, and kustomize refuses that",
                          "delete one")
    missing = [*_entries(config, folder), *_sources(config, folder)]
    yield from missing
    # What is misspelt is said where it stands.
    if not missing:
        yield from _unlisted(config, folder)


def _entries(config: Mapping[str, Any], folder: FilePath) -> Iterator[Problem]:
    for key in _FILES:
        for index, entry in enumerate(items(config.get(key))):
            yield from _exists((key, index), entry, folder)


def _sources(config: Mapping[str, Any], folder: FilePath) -> Iterator[Problem]:
    for key in _PATCHES:
        for index, one in enumerate(items(config.get(key))):
            yield from _exists((key, index, "path"), at(one, "path"), folder)
    for key in _GENERATORS:
        for index, one in enumerate(items(config.get(key))):
            for section in ("files", "envs"):
                for number, entry in enumerate(items(at(one, section))):
                    named = entry.partition("=")[2] or entry if isinstance(entry, str) else entry
                    yield from _exists((key, index, section, number), named, folder)


def _exists(path: tuple[str | int, ...], entry: object, folder: FilePath) -> Iterator[Problem]:
    if not isinstance(entry, str) or any(sign in entry for sign in _REMOTE):
        return
    target = folder / entry
    if FilePath(entry).is_absolute():
        yield Problem("X650", path, f"{shown(entry)} is an absolute path, which kustomize refuses", "write it relative to this file")
    elif not target.exists():
        yield Problem("X650", path, f"there is no file or folder {shown(entry)}", "mend the path, or delete the line")
    elif target.is_dir() and not any((target / name).is_file() for name in NAMES):
        yield Problem("X650", path, f"the folder {shown(entry)} has no kustomization.yaml", "add one, or name its files")


def _unlisted(config: Mapping[str, Any], folder: FilePath) -> Iterator[Problem]:
    if not config.get("resources"):
        return
    named = {str(entry).removeprefix("./").rstrip("/") for entry in _named(config)}
    present = {one.name for one in folder.iterdir() if one.suffix in {".yaml", ".yml"} and one.name not in NAMES and one.is_file()}
    for name in sorted(present - named):
        yield Problem("X651", ("resources",), f"{shown(name)} lies beside this file and is not named in it, so that nobody applies it",
                      "name it, or delete it", key=True, severity=Severity.WARNING)


def _named(tree: object) -> Iterator[str]:
    """Every text of the file: whatever names a file makes it a part of the whole."""
    if isinstance(tree, dict):
        for value in tree.values():
            yield from _named(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _named(item)
    elif isinstance(tree, str):
        yield tree.partition("=")[2] or tree
