"""Paths → the files that a run reads: specs, and the catalog entries that their platforms name.

Only what lies below a given folder, or beside a given file, is ever opened. A folder is walked for specs; a compiler's own
outputs in it are left out. Which files are catalog entries is told by where they lie (`catalog.own`), so both are sources
by name, and whoever compiles them needs nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from posixpath import dirname, normpath

from obsc import revision, scalars
from obsc.catalog import own
from obsc.conventions import PLATFORM
from obsc.diagnostics import Place, Sink
from obsc.source import LARGEST_FILE, Source, load
from obsc.translate import has_services_only
from obsc.write import MANIFEST

KINDS = (".yaml", ".yml")  # files that specs and catalog entries may be in


def gather(paths: Sequence[Path], sink: Sink, *, out: Path | None = None) -> dict[str, Source]:
    """Every file that is given or that a given platform names, parsed, by its name as given with forward slashes.

    `out` is the folder of outputs, which holds no specs.
    """
    sources = read(find_specs(paths, sink, out=out), sink)
    return _with_entries(sources, lambda folder: _listed(folder, sources, _roots(paths), sink))


def sift(paths: Sequence[Path], sink: Sink, *, out: Path | None = None) -> tuple[dict[str, Source], dict[str, bytes]]:
    """The same files: parsed, those that others have to know; as bytes, those that seem to be of services alone."""
    files = dict(_read(find_specs(paths, sink, out=out), sink))
    services = {name: raw for name, raw in files.items() if has_services_only(raw)}
    shared = {name: load(name, raw, sink) for name, raw in files.items() if name not in services}
    named = {folder.path for folder in own.folders(shared)}
    # An entry may speak of services, in a comment.
    shared |= {name: load(name, services.pop(name), sink) for name in list(services) if normpath(dirname(name)) in named}
    return _with_entries(shared, lambda folder: _listed(folder, files, _roots(paths), sink)), services


class Known(Mapping[str, Source]):
    """Sources for messages: files that were not parsed have their lines only, each split when it is asked for."""

    __slots__ = ("_parsed", "_raw")

    def __init__(self, parsed: Mapping[str, Source], raw: Mapping[str, bytes]) -> None:
        self._parsed, self._raw = parsed, raw

    def __getitem__(self, name: str) -> Source:
        if name in self._parsed:
            return self._parsed[name]
        text, _ = scalars.decode(name, self._raw[name], Sink(), most=LARGEST_FILE)
        return Source(name, tuple(text.split("\n")), ())

    def __iter__(self) -> Iterator[str]:
        yield from self._parsed
        yield from (name for name in self._raw if name not in self._parsed)

    def __len__(self) -> int:
        return len(self._parsed.keys() | self._raw.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._parsed or name in self._raw


def at_revision(name: str, paths: Sequence[Path]) -> dict[str, Source]:
    """The same of a revision of git; what is wrong in it is nobody's business now. Raises `revision.RevisionError`."""
    roots: set[str] = set()

    def wanted(names: Collection[str]) -> list[str]:
        found = []
        for path in map(Path.as_posix, paths):
            roots.add(normpath(dirname(path) if path in names else path))
            start = "" if path == "." else f"{path}/"
            below = {one.removeprefix(start) for one in names if one.startswith(start)}
            found += [path] if path in names else [start + one for one in _specs(below, _outputs(below))]
        return found

    def listed(folder: own.Folder) -> dict[str, Source]:
        if not any(PurePosixPath(folder.path).is_relative_to(root) for root in roots):
            return {}
        return loaded(revision.files_at(name, [Path(folder.path)], lambda names: _entries(names, folder.path)))

    def loaded(files: Mapping[str, bytes]) -> dict[str, Source]:
        return {one: load(one, raw, Sink()) for one, raw in files.items()}

    return _with_entries(loaded(revision.files_at(name, paths, wanted)), listed)


def find_specs(paths: Iterable[Path], sink: Sink, *, out: Path | None = None) -> tuple[Path, ...]:
    """The YAML files at or below the paths, sorted, each once. Links that lead out of a given folder are refused."""
    found: dict[Path, Path] = {}
    for path in paths:
        if path.is_dir():
            is_empty, home = True, path.resolve()
            for one in _walk(path, out):
                is_empty, real = False, one.resolve()
                if not real.is_relative_to(home):
                    sink.error("L018", "the file is a link that leads out of its folder", Place(str(one)), hint="copy the file")
                else:
                    found.setdefault(real, one)
            if is_empty:
                sink.error("W912", f"there are no YAML files in `{path}`", Place(str(path)), hint="give files or folders with specs")
        elif path.is_file():
            found.setdefault(path.resolve(), path)
        else:
            text = f"`{path}` is neither a file nor a folder" if path.exists() else f"there is no file or folder `{path}`"
            sink.error("L019", text, Place(str(path)), hint="mend the path")
    return tuple(sorted(found.values()))


def read(paths: Iterable[Path], sink: Sink) -> dict[str, Source]:
    """Every file, parsed. Names are as given, with forward slashes, so that messages are the same everywhere."""
    return {name: load(name, raw, sink) for name, raw in _read(paths, sink)}


def _read(paths: Iterable[Path], sink: Sink) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        try:
            yield path.as_posix(), path.read_bytes()
        except OSError as error:
            sink.error("L019", f"the file cannot be read: {error.strerror}", Place(str(path)), hint="mend its rights")


def _walk(root: Path, out: Path | None) -> Iterator[Path]:
    """YAML files below a folder."""
    names = [one.relative_to(root).as_posix() for one in root.rglob("*")]
    outputs, home = _outputs(names), root.resolve()
    if out is not None and out.resolve() != home and out.resolve().is_relative_to(home):
        outputs.add(out.resolve().relative_to(home).as_posix())
    return (root / name for name in _specs(names, outputs) if (root / name).is_file())


def _specs(names: Iterable[str], outputs: Collection[str]) -> list[str]:
    """Of names below a folder, those that may be specs: nothing hidden, and nothing that a compiler wrote."""
    return [name for name in names if name.lower().endswith(KINDS) and not name.startswith(".") and "/." not in name
            and not any(name.startswith(folder + "/") for folder in outputs)]


def _entries(names: Iterable[str], folder: str) -> list[str]:
    """Of names, those that are catalog entries of a folder: they lie right in it."""
    return [name for name in names if normpath(dirname(name)) == folder and _specs([name.rpartition("/")[2]], ())]


def _outputs(names: Iterable[str]) -> set[str]:
    """Folders that a compiler wrote: an environment's, told by the list of files that each of its artifacts' folders has.

        prod/artifacts/platform/.obsc.json, prod/artifacts/ai/chat/.obsc.json → prod/artifacts, prod/manifests
    """
    found: set[str] = set()
    for name in names:
        parts = name.split("/")
        for depth in (3, 4):
            if parts[-1] == MANIFEST and parts[-depth:][:1] == ["artifacts"] and (depth == 4 or parts[-2] == PLATFORM):
                found |= {"/".join((*parts[:-depth], area)) for area in ("artifacts", "manifests")}
    return found


def _with_entries(sources: Mapping[str, Source], listed: Callable[[own.Folder], Mapping[str, Source]]) -> dict[str, Source]:
    """The sources with the entries of every catalog folder that a platform among them names."""
    whole = dict(sources)
    for folder in own.folders(sources):
        whole |= {name: source for name, source in listed(folder).items() if name not in whole}
    return whole


def _listed(folder: own.Folder, sources: Collection[str], roots: Collection[Path], sink: Sink) -> dict[str, Source]:
    """The entries that lie in a folder on the disk and were not read yet. Nothing outside of the roots is opened."""
    real = Path(folder.path).resolve()
    if not _inside(real, roots):
        sink.error("R281", f"the catalog folder `{folder.said}` lies outside of what was given", folder.place, path="catalogs",
                   hint="give the folder that holds both it and the platform, or move it beside the platform's file")
        return {}
    known = {normpath(name) for name in sources}
    names = (f"{folder.path}/{one.name}" for one in sorted(real.iterdir())) if real.is_dir() else ()
    wanted = []
    for path in (Path(name) for name in _entries(names, folder.path) if name not in known):
        if not _inside(path.resolve(), roots):
            sink.error("L018", f"`{folder.said}/{path.name}` is a link that leads out of what was given", folder.place,
                       path="catalogs", hint="copy the file")
        elif path.is_file():
            wanted.append(path)
    return read(wanted, sink)


def _roots(paths: Sequence[Path]) -> set[Path]:
    """The folders that are given, and those of the files that are."""
    return {(path if path.is_dir() else path.parent).resolve() for path in paths if path.exists()}


def _inside(real: Path, roots: Collection[Path]) -> bool:
    return any(real.is_relative_to(root) for root in roots)
