"""Bytes → disk: what differs is replaced, what is stale goes, what is foreign stays.

The plan is made here, `journal` carries it out whole or not at all. Paths that a committed file
names are untrusted: none of them ever leads outside the folders of its own service, or through a link.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import fcntl
import json
import os
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from obsc import conventions, encode, footing
from obsc.diagnostics import Diagnostic, Place, Severity, Sink
from obsc.journal import STAGING, commit, drop_folders, finish, make_folders
from obsc.secrets import masked_lines

MANIFEST = ".obsc.json"
LOCK = ".obsc.lock"
_DIFF_LINES = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, or with `check` what it would do: paths, sorted. `diff` is filled in with `check` only."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    diff: str = ""

    @property
    def clean(self) -> bool:
        """Whether nothing differs."""
        return not (self.changed or self.added or self.stale)


def manifest(files: Mapping[str, bytes]) -> bytes:
    """`.obsc.json`: each file of a service with the digest of its content, one a line. Paths are relative to the environment.

    Two branches that change two services change two lines here, or what both are gathered in: an empty line parts neighbours,
    and what is gathered is not digested, so that version control merges the lists.
    """
    digests = {path: "" if conventions.is_gathered(path) else footing.digest(files[path]) for path in sorted(files)}
    listed = (f"  {_spelled(path)}: {_spelled(digest)}" for path, digest in digests.items())
    return "\n".join(("{", ' "files": {', ",\n\n".join(listed), " }", "}", "")).encode()


def _spelled(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def write(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool = False) -> Outcome | None:
    """Bring the folder to the tree, or with `check` only say what differs. None (with an error) if nothing was done.

    `tree` has every output by its POSIX path; `owned` are the folders and single files, `<env>/<area>/…`, where stale files go.
    """
    with held(root, sink, check=check) as ready:
        return bring(root, tree, owned, sink, check=check) if ready else None


def bring(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool = False,
          settled: Container[str] = ()) -> Outcome | None:
    """The same for who already holds the folder. `settled` are folders that hold what the tree has for them, and nothing else."""
    try:
        outcome = _plan(root, tree, owned, sink, check=check, settled=settled)
        if outcome is not None and not check and not outcome.clean:
            commit(root, tree, _steps(tree, outcome))
    except OSError as error:
        _report_refusal(root, error, sink, "read" if check else "written")
        return None
    return outcome


@contextlib.contextmanager
def held(root: Path, sink: Sink, *, check: bool = False) -> Iterator[bool]:
    """Hold the folder against other writers, and finish what a killed one began; with `check`, neither. False: an error forbids it.

    Who compiles for the folder holds it from before: last good parts are read from it. The lock dies with its process, so
    that a killed run blocks nobody.
    """
    with contextlib.ExitStack() as stack:
        try:
            ready = check or (_lock_up(root, sink, stack) and finish(root, sink))
        except OSError as error:
            _report_refusal(root, error, sink, "written")
            ready = False
        yield ready


def _plan(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool,
          settled: Container[str]) -> Outcome | None:
    """What has to be done; None (with errors) if something forbids it. Only reads."""
    faults = list(_faults(root, tree, settled))
    sink.extend(faults)
    folded = {path.casefold(): path for path in tree}
    stale: list[str] = []
    for folders in _bundles(owned):
        if all(folder in settled for folder in folders):
            continue
        listed = _listed(root, folders, sink)
        # A list that cannot be trusted deletes nothing; the error is reported, and a new list takes its place.
        if listed is not None:
            stale += _stale(root, folded, listed, sink)
            _report_foreign(root, folders, (tree, listed), sink)
    unsettled = [path for path in sorted(tree) if path.rpartition("/")[0] not in settled]
    return None if faults else _compare(root, tree, unsettled, sorted(stale), check=check)


def _bundles(owned: Sequence[str]) -> Iterable[list[str]]:
    """Folders that share a list: `<env>/<area>/<namespace>/<name>` are a service's, what has one step less the platform's."""
    bundles: dict[tuple[str, str], list[str]] = {}
    for folder in sorted(set(owned)):
        environment, _, whose = folder.split("/", 2)
        bundles.setdefault((environment, whose if "/" in whose else ""), []).append(folder)
    return bundles.values()


def _faults(root: Path, tree: Mapping[str, bytes], settled: Container[str]) -> Iterator[Diagnostic]:
    folded: dict[str, str] = {}
    plain, told = set[str](), set[str]()
    for path in sorted(tree, key=lambda one: (one.casefold(), one)):
        if not footing.is_inside(path):
            yield Diagnostic("W903", Severity.ERROR, f"`{footing.shown(path)}` leads out of the output folder", Place(path),
                             hint="this is a fault of ours: report it")
            continue
        other = folded.setdefault(path.casefold(), path)
        above = next((folded[folder.casefold()] for folder in footing.folders(path) if folder.casefold() in folded), None)
        if other != path or above:
            yield Diagnostic("W902", Severity.ERROR, f"`{above or other}` and `{path}` cannot both be files on every disk", Place(path),
                             hint="this is a fault of ours: report it, and rename one of the services until it is mended")
        found = footing.obstacle(root, path, plain) if path.rpartition("/")[0] not in settled else None
        if found and found not in told:
            told.add(found)
            yield Diagnostic("W904", Severity.ERROR, f"`{found}` is in the way of outputs: expected a plain file in plain folders",
                             Place(str(root / found)), hint="move it away")


def _listed(root: Path, folders: Sequence[str], sink: Sink) -> dict[str, str] | None:
    """Every path that the lists in these folders name, and the lists, with recorded digests. None if a list is unusable."""
    together: dict[str, str] = {}
    plain: set[str] = set()
    sound = True
    for folder in folders:
        found = _committed(root, folder, sink)
        bad = [] if found is None else [path for path in found if not _is_own(root, path, folders, plain)]
        for path in bad:
            sink.error("W905", f"the list names `{footing.shown(path)}`, which is no plain file of its own service",
                       Place(str(root / folder / MANIFEST)), hint="restore the list from version control")
        sound = sound and found is not None and not bad
        together.update(found or {})
    return together if sound else None


def _committed(root: Path, folder: str, sink: Sink) -> dict[str, str] | None:
    """The list of one folder and what it names, with digests; empty without a list, None if it is no list."""
    own = f"{folder}/{MANIFEST}"
    if footing.obstacle(root, own, set()) or not footing.kind(root / own):
        return {}
    raw, environment = (root / own).read_bytes(), folder.partition("/")[0]
    try:
        files = {f"{environment}/{name}": str(digest) for name, digest in json.loads(raw)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sink.error("W906", "the list of files cannot be read", Place(str(root / own)), hint="restore it from version control")
        return None
    return {**files, own: footing.digest(raw)}


def _is_own(root: Path, path: str, folders: Sequence[str], plain: set[str]) -> bool:
    below = any(path == folder or path.startswith(f"{folder}/") for folder in folders)
    return below and footing.is_inside(path) and footing.obstacle(root, path, plain) is None


def _stale(root: Path, folded: Mapping[str, str], listed: Mapping[str, str], sink: Sink) -> Iterator[str]:
    """What is listed, no longer compiled, still there, and as it was written. `folded` has what is compiled, by lower case."""
    for path, digest in sorted(listed.items()):
        twin, target = folded.get(path.casefold()), root / path
        # Where case makes no difference, the file may be there under its new name.
        if twin == path or not footing.kind(target) or (twin is not None and footing.kind(root / twin) and target.samefile(root / twin)):
            continue
        if (not digest and conventions.is_gathered(path)) or footing.digest(target.read_bytes()) == digest:
            yield path
        else:
            sink.warning("W907", f"`{path}` is no longer compiled, but was changed by hand: it stays", Place(str(target)),
                         hint="delete it if it is not wanted")


def _report_foreign(root: Path, folders: Sequence[str], known: Sequence[Container[str]], sink: Sink) -> None:
    for folder in folders:
        unknown = (path for path in _files(root, folder) if not any(path in one for one in known))
        foreign = sorted(footing.shown(path.removeprefix(f"{folder}/")) for path in unknown)
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        if foreign:
            sink.warning("W914", f"not of this compiler, so left alone: `{'`, `'.join(foreign[:3])}`{more}",
                         Place(str(root / folder)), hint="keep files of your own elsewhere; these folders belong to the compiler")


def _files(root: Path, folder: str) -> Iterator[str]:
    """Everything below a folder that is no folder, links not followed; nothing if the folder is a file or behind a link."""
    pending = [folder] if footing.kind(root / folder) and not footing.obstacle(root, f"{folder}/{MANIFEST}", set()) else []
    while pending:
        here = pending.pop()
        with os.scandir(root / here) as entries:
            for entry in entries:
                path = f"{here}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path


def _compare(root: Path, tree: Mapping[str, bytes], paths: Sequence[str], stale: Sequence[str], *, check: bool) -> Outcome:
    home = os.fspath(root)
    added = tuple(path for path in paths if not footing.kind(f"{home}/{path}"))
    missing = set(added)
    changed = tuple(path for path in paths if path not in missing and (root / path).read_bytes() != tree[path])
    return Outcome(changed, added, tuple(stale), _difference(root, tree, changed) if check else "")


def _difference(root: Path, tree: Mapping[str, bytes], changed: Sequence[str]) -> str:
    """A unified diff of at most so many lines, and how much was left out."""
    lines, unshown = list[str](), list(changed)
    while unshown and len(lines) < _DIFF_LINES:
        path = unshown.pop(0)
        # What is committed goes to a terminal here: escape sequences in it are shown, not obeyed.
        old, new = ([encode.terminal(line) for line in masked_lines(raw.decode("utf-8", "replace").split("\n"))]
                    for raw in ((root / path).read_bytes(), tree[path]))
        lines += difflib.unified_diff(old, new, f"committed/{path}", f"compiled/{path}", lineterm="")
    left = [f"{count} more {what}{'' if count == 1 else 's'}"
            for count, what in ((len(lines) - _DIFF_LINES, "line"), (len(unshown), "file")) if count > 0]
    return "".join(f"{line}\n" for line in (*lines[:_DIFF_LINES], *([f"… and {' and '.join(left)}"] if left else [])))


def _steps(tree: Mapping[str, bytes], outcome: Outcome) -> list[str]:
    """What is to be done, in this order: new files by path, then deletions, then lists of files."""
    # Even if the journal is lost, the old list stays until nothing that only it names is left to delete.
    return sorted((*outcome.added, *outcome.changed, *outcome.stale),
                  key=lambda path: (path.endswith(f"/{MANIFEST}"), path not in tree, path))


def _report_refusal(root: Path, error: OSError, sink: Sink, what: str) -> None:
    named = [str(one) for one in (error.filename2, error.filename) if one is not None and STAGING not in str(one)]
    hint = "give the rights, make room, or move away what is there; then run again"
    if error.errno in {errno.EXDEV, errno.EBUSY}:
        hint = "something below the output folder is mounted on its own: mount the whole folder instead"
    sink.error("W901", f"the output cannot be {what}: {error.strerror or error}", Place(named[0] if named else str(root)), hint=hint)


def _lock_up(root: Path, sink: Sink, stack: contextlib.ExitStack) -> bool:
    """Lock the folder until the stack is closed; then it goes again if it was made here and nothing came into it."""
    made: list[Path] = []
    stack.callback(lambda: drop_folders(reversed(made)))
    make_folders(root, made)
    handle = _lock(root / LOCK)
    if handle is None:
        sink.error("W908", "another run writes to this folder", Place(str(root)), hint="wait until it is done")
        return False
    stack.callback(os.close, handle)
    stack.callback(_unlock, root / LOCK)
    return True


def _unlock(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _lock(path: Path) -> int | None:
    """A handle that holds the lock, or None if another has it."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file after we opened it: what we hold would then keep nobody out.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle
        except OSError as error:
            os.close(handle)
            if isinstance(error, BlockingIOError):
                return None
            raise
        os.close(handle)
