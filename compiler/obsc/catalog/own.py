"""Entries that a platform brings along: which files they are, and what an environment then knows.

A file is a catalog entry if it lies right in a folder that a platform among the sources names in `catalogs`, also in one
of its `environments`; nothing in the file says so. Paths are compared as texts: nothing is opened here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from posixpath import dirname, normpath, relpath
from typing import NamedTuple

from obsc.catalog import Catalog, names
from obsc.catalog.kinds.names import WorkloadKind
from obsc.catalog.profile import Profile
from obsc.diagnostics import Place, Sink
from obsc.source import Node, Source, at, place_of

KINDS = "kinds"  # the file of kinds of workload
ANY_KIND = "*"
RESERVED = frozenset({"custom"})  # what specs call a program that no entry describes
_FOLDER = re.compile(r"[A-Za-z0-9_./-]{1,200}")
# Keys of an entry that no document of the language has.
_TELLING = frozenset({"class", "startup", "metrics", "signals", "entities"})


class Folder(NamedTuple):
    """A folder of catalog entries: its path beside the platform's file, as it is said, and where."""

    path: str
    said: str
    place: Place


class Sorted(NamedTuple):
    """Sources by what they are. Strays look like entries, but no platform names their folder."""

    specs: Mapping[str, Source]
    entries: Mapping[str, Source]
    strays: Mapping[str, Source]


@dataclass(slots=True)
class Library:
    """The entries of a run by file, each read once however many environments have it; its findings go to the sink."""

    sources: Mapping[str, Source]
    sink: Sink
    strays: Mapping[str, Source] = field(default_factory=dict)
    _read: dict[str, Profile | None] = field(default_factory=dict)
    _read_kinds: dict[str, Mapping[str, WorkloadKind] | None] = field(default_factory=dict)

    def entry(self, file: str) -> Profile | None:
        """What a file describes, or None if it has a mistake."""
        if file not in self._read:
            self._read[file] = self._checked(self.sources[file])
        return self._read[file]

    def catalog(self, file: str, said: Sequence[tuple[str, Place]]) -> Catalog:
        """What an environment knows whose platform, in this file, names these folders; the first has the first say."""
        found: dict[str, str] = {}
        kinds: list[str] = []
        partial = False
        for word, place in said:
            folder = _path(file, word)
            files = sorted(name for name in self.sources if folder is not None and normpath(dirname(name)) == folder)
            if not files:
                self._empty(file, word, place)
                partial = True
            for name in files:
                if _stem(name) == KINDS:
                    kinds.append(name)
                else:
                    self._take(name, found)
        profiles = {name: self.entry(one) for name, one in found.items()}
        return Catalog({name: one for name, one in profiles.items() if one is not None},
                       frozenset(name for name, one in profiles.items() if one is None), partial, *self._kinds(kinds))

    def _kinds(self, files: Sequence[str]) -> tuple[Mapping[str, WorkloadKind], frozenset[str]]:
        """Kinds of workload of files, the first of which has the first say, and the names of those that are lost by mistakes."""
        from obsc.catalog.kinds import known  # noqa: PLC0415  wanted where there are some
        from obsc.catalog.kinds.form import described  # noqa: PLC0415

        found: dict[str, WorkloadKind] = {}
        lost: set[str] = set()
        for file in files:
            if file not in self._read_kinds:
                self._read_kinds[file] = described(self.sources[file], self.sink, known())
            read = self._read_kinds[file]
            named = _kinds_of(self.sources[file]) if read is None else set()
            lost |= named - found.keys()
            found = {**(read or {}), **found}
        return {name: one for name, one in found.items() if name not in lost}, frozenset(lost)

    def _checked(self, source: Source) -> Profile | None:
        unread = source.file in self.sink.places()
        own, stem = Sink(strict=self.sink.strict), _stem(source.file)
        from obsc.catalog.reading import entry  # noqa: PLC0415  wanted where there are some

        found = entry(source, own)
        place = place_of(source.documents[0].root, ("name",)) if source.documents else Place(source.file)
        if found is not None and found.name != stem:
            own.error("R280", f"the entry `{found.name}` is in a file of another name", place, path="name",
                      hint=f"call the file `{found.name}.yaml`, or the entry `{stem}`")
        if stem in RESERVED:
            own.error("R211", f"the name `{stem}` is reserved for programs that no entry describes", place, path="name",
                      hint="choose another name")
        elif stem in names() and found is not None:
            own.info("R282", f"this entry takes the place of the built-in one of the name `{stem}`", place, path="name",
                     hint="what the built-in one has is not added: the file must be whole")
        self.sink.extend(own)
        return None if unread or own.failed else found

    def _take(self, file: str, found: dict[str, str]) -> None:
        """Note a file under the name of its entry, which is that of the file: one that cannot be read has one too."""
        first = found.setdefault(_stem(file), file)
        if first != file:
            self.sink.info("R282", f"an entry `{_stem(file)}` comes before this one: {first}", Place(file), hint="delete one of them")

    def _empty(self, file: str, word: str, place: Place) -> None:
        folders = sorted({normpath(dirname(name)) for name in (*self.sources, *self.strays)})
        near = difflib.get_close_matches(_path(file, word) or "", folders, 1)
        hint = f"did you mean `{relpath(near[0], dirname(file) or '.')}`?" if near else \
            "put an entry there, a file such as `server.yaml`, or leave the folder out"
        text = f"the catalog folder `{word}` has no entries"
        if _path(file, word) is None:
            text, hint = f"the catalog folder `{word}` is the platform's own", "move the entries into a folder of their own"
        self.sink.error("R281", text, place, path="catalogs", hint=hint)


def folders(sources: Mapping[str, Source]) -> tuple[Folder, ...]:
    """Every folder of entries that a platform among the sources names, each once."""
    found: dict[str, Folder] = {}
    for source in sources.values():
        for document in source.documents:
            for node in _named(document.root):
                path = _path(source.file, node.value) if isinstance(node.value, str) else None
                if path is not None:
                    found.setdefault(path, Folder(path, str(node.value), node.place))
    return tuple(found.values())


def sort(sources: Mapping[str, Source]) -> Sorted:
    """The sources by what they are: by where they lie, and those that no folder claims by their shape."""
    named = {folder.path for folder in folders(sources)}
    entries = {name: one for name, one in sources.items() if normpath(dirname(name)) in named}
    rest = {name: one for name, one in sources.items() if name not in entries}
    strays = {name: one for name, one in rest.items() if one.documents and all(_is_entry(doc.root) for doc in one.documents)}
    return Sorted({name: one for name, one in rest.items() if name not in strays}, entries, strays)


def strays(found: Sorted, sink: Sink) -> None:
    """Say of what looks like an entry, and lies where no platform looks for one, that nothing came of it."""
    for source in found.strays.values():
        sink.warning("R283", "found a catalog entry where no platform looks for one, expected a spec", source.documents[0].root.place,
                     hint="name its folder in the platform's `catalogs`, and give the platform")


def _named(root: Node) -> Iterator[Node]:
    overlays = at(root, ("environments",))
    inner = overlays.value.values() if overlays is not None and isinstance(overlays.value, dict) else ()
    for tree in (root, *inner):
        said = at(tree, ("catalogs",))
        yield from said.value if said is not None and isinstance(said.value, tuple) else ()


def _path(file: str, said: str) -> str | None:
    """The folder that a platform's file means; None for what is no folder below anything, and for the file's own."""
    if _FOLDER.fullmatch(said) is None:
        return None
    home = normpath(dirname(file))
    path = normpath(f"{dirname(file) or '.'}/{said}")
    return None if said.startswith("/") or path == home or ".." in said.lstrip("./").split("/") else path


def _is_entry(root: Node) -> bool:
    keys: Collection[str] = root.value if isinstance(root.value, dict) else ()
    if set(keys) == {"kinds"}:
        return True
    return not {"apiVersion", "kind"} & set(keys) and "name" in keys and len(_TELLING & set(keys)) > 1


def _kinds_of(source: Source) -> set[str]:
    """Names of the kinds in a file, as they are written; `*` for what cannot be read."""
    said = at(source.documents[0].root, ("kinds",)) if source.documents else None
    items = said.value if said is not None and isinstance(said.value, tuple) else ()
    return {str(name.value) for one in items if (name := at(one, ("name",))) is not None} | {ANY_KIND}


def _stem(file: str) -> str:
    return PurePosixPath(file).stem
