"""Parts → a run's tree: what services compiled to, or had committed, and what their platforms link of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from obsc import conventions, workers, write
from obsc.committed import read_part
from obsc.diagnostics import Place, Sink
from obsc.fitting import Memo, fitted
from obsc.ir import Identity
from obsc.link import link
from obsc.objectfile import Packed, Packing, Renamed, Unit
from obsc.part import FILE, Part
from obsc.resolve import Environment
from obsc.texts import faults
from obsc.translate import folder


class Tree(Mapping[str, bytes]):
    """Every output by its path. What is added stays as it is: most of it compressed."""

    __slots__ = ("_holders",)

    def __init__(self) -> None:
        self._holders: dict[str, Mapping[str, bytes]] = {}

    def add(self, files: Mapping[str, bytes]) -> None:
        """Take files, in the place of those that have their paths."""
        self._holders.update(dict.fromkeys(files, files))

    def marks(self) -> dict[str, str]:
        """By folder, what tells the names and the content of its files from others, without reading most of them."""
        found: dict[str, list[str]] = {}
        for path, files in sorted(self._holders.items()):
            folder, _, name = path.rpartition("/")
            mark = files.mark(path) if isinstance(files, Packed | Packing) else sha256(files[path]).hexdigest()
            found.setdefault(folder, []).append(f"{name}:{mark}")
        return {folder: sha256("\0".join(words).encode()).hexdigest() for folder, words in found.items()}

    def __getitem__(self, path: str) -> bytes:
        return self._holders[path][path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._holders)

    def __len__(self) -> int:
        return len(self._holders)

    def __contains__(self, path: object) -> bool:
        return path in self._holders


@dataclass(slots=True)
class Assembly:
    """A run's outputs as they come together. `out` is the folder where parts may be committed; `alone`: no service was given."""

    sink: Sink
    out: Path | None
    prune: bool = False
    alone: bool = False
    pruned: bool = False
    memo: Memo | None = None
    jobs: int = 1  # how many processes make what is shared; 0: as many as pay
    tree: Tree = field(default_factory=Tree)
    owned: list[str] = field(default_factory=list)
    parts: dict[str, dict[Identity, Part]] = field(default_factory=dict)
    folders: dict[str, set[str]] = field(default_factory=dict)


def add_unit(run: Assembly, unit: Unit) -> bool:
    """Put a service's files into the tree, and its part to those that are linked; False (with an error) if a path is taken."""
    identity = unit.identity
    taken = next((path for path in unit.files if path in run.tree), None)
    if unit.part is None or taken is not None:
        run.sink.error("W902", f"two outputs are called `{taken}`", unit.named, hint="rename one of their sources")
        return False
    run.tree.add(unit.files)
    if any(path.startswith(folder(identity, 1)) for path in unit.files):
        run.folders.setdefault(identity.environment, set()).add(f"{identity.namespace}/{identity.name}")
    run.owned += [folder(identity, 0), folder(identity, 1)]
    run.parts.setdefault(identity.environment, {})[identity] = unit.part
    return True


def keep_committed(run: Assembly, environment: Environment, failed: Collection[Identity]) -> bool:
    """Link committed parts of services that have errors now, or whose specs were not given or do not even say whose they are.

    Nothing is taken off a platform because a file was mistyped or left out; who gives up a service asks for it.
    False (with errors) if one of the parts cannot be used: the platform then stays as it is committed.
    """
    if run.out is None or (run.prune and not run.alone and not run.sink.failed):
        _prune_others(run, environment)
        return True
    compiled = {run.out / folder(one, 0) / FILE for one in run.parts.get(environment.name, ())}
    kept: list[str] = []
    unused = run.sink.fresh()
    for path in sorted((run.out / environment.name / "artifacts").glob(f"*/*/{FILE}")):
        part = None if path in compiled else link_committed(run, (path, run.out), {environment.name: environment}, unused)
        if part is not None and part.identity not in failed:
            kept.append(f"{part.identity.namespace}/{part.identity.name}")
    if kept:
        _report_kept(run, kept, Place((run.out / environment.name).as_posix()))
    run.sink.extend(unused)
    return not unused.failed


def _report_kept(run: Assembly, kept: Sequence[str], place: Place) -> None:
    shown = ", ".join(kept[:3]) + (f" and {len(kept) - 3} more" if len(kept) > 3 else "")
    if run.prune and run.alone:
        run.sink.error("W917", f"no service was given, so `--prune` would delete the outputs of {shown}", place,
                       hint="give the specs of all services; if these were really the last ones, delete their folders in "
                            f"`{place.file}` and run without `--prune`")
        return
    hint = ("mend the errors first: as long as there is one, nothing is pruned" if run.prune
            else "give their specs too; if they are given up, give all others and `--prune`")
    run.sink.warning("W913", f"no spec that was given compiles to {shown}: committed before, they stay linked", place, hint=hint)


def _prune_others(run: Assembly, environment: Environment) -> None:
    """Own the folders of services that have a list of files and no spec: what it names, and nobody edited, is then stale."""
    compiled = {folder(one, 0) for one in run.parts.get(environment.name, ())}
    for path in () if run.out is None else (run.out / environment.name / "artifacts").glob(f"*/*/{write.MANIFEST}"):
        identity = Identity(environment.name, *path.parts[-3:-1])
        if folder(identity, 0) not in compiled:
            run.owned += [folder(identity, 0), folder(identity, 1)]
            run.pruned = True


def link_committed(run: Assembly, place: tuple[Path, Path], environments: Mapping[str, Environment], sink: Sink) -> Part | None:
    """Link a part from disk, if it is sound and lies where its identity says; else None, with an error."""
    path, home = place[0], place[0].parent
    part = read_part(*place, sink)
    if part is None:
        return None
    identity, environment = part.identity, environments.get(part.identity.environment)
    name = f"{identity.namespace}/{identity.name}"
    if environment is None:
        sink.error("R202", f"the part is of the environment `{identity.environment}`, which is not the platform's",
                   Place(path.as_posix()), hint="give the platform of that environment")
    elif not f"/{home.absolute().as_posix()}".endswith(f"/{name}"):
        sink.error("W910", f"the part is of the service `{name}`, whose folder this is not", Place(path.as_posix()),
                   hint="restore the folder from version control")
    else:
        found = list(faults(part, environment.platform))
        for fault in found:
            sink.error("W910", f"no compiler wrote this part: {fault.text}", Place((home / fault.file).as_posix()),
                       hint="compile the service again, or restore the file from version control")
        if not found:
            run.parts.setdefault(environment.name, {})[identity] = part
            if home.parents[1].name == "artifacts" and (home.parents[2] / "manifests" / name / "kustomization.yaml").is_file():
                run.folders.setdefault(environment.name, set()).add(name)
            return part
    return None


def emit_platform(run: Assembly, environment: Environment) -> None:
    """Link the parts of an environment, and put what is shared into the tree, unless there are errors."""
    parts, folders = list(run.parts.get(environment.name, {}).values()), run.folders.get(environment.name, ())
    own = run.sink.fresh()
    encoded = shared(environment, parts, folders, own, memo=run.memo, jobs=run.jobs)
    run.sink.extend(own)
    if own.failed:
        return
    run.tree.add(encoded)
    home = conventions.artifacts(environment.name, conventions.PLATFORM)
    run.owned += [home, conventions.manifests(environment.name, conventions.PLATFORM),
                  conventions.manifests(environment.name, "kustomization.yaml")]


def shared(environment: Environment, parts: Sequence[Part], folders: Collection[str], sink: Sink, *,  # noqa: PLR0913  what and how
           memo: Memo | None = None, wanted: Collection[str] = (), jobs: int = 1) -> Mapping[str, bytes]:
    """The files that services of an environment share, or those that are `wanted`. `folders` are those of services with objects.

    With an error in the sink they are not to be used.
    """
    home = conventions.artifacts(environment.name, conventions.PLATFORM)
    listed = f"{home}/{write.MANIFEST}"
    artifacts = link(environment.name, parts, environment.platform, sorted(folders), sink, catalog=environment.catalog)
    encoded = Packing()
    if sink.failed:
        return encoded
    is_all = not wanted or listed in wanted
    fitted([one for one in artifacts if is_all or one.path in wanted], environment.origins, environment.platform, sink, encoded,
           memo=memo, each=lambda make, some: workers.each(make, some, jobs or workers.paying(len(some))))
    if is_all:
        relative = Renamed(encoded, {conventions.bundled(environment.name, path): path for path in encoded})
        encoded[listed] = write.manifest(relative)
    return encoded
