"""Bytes → disk: staged whole, then one rename per file; what is stale goes, what is foreign stays.

Everything of a run is staged and synced beside the outputs before one of them is touched. Paths that a committed file
names are untrusted: none of them ever leads outside the folders of its own service, or through a link.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from obsc import encode
from obsc.diagnostics import Diagnostic, Place, Severity, Sink
from obsc.secrets import masked_lines

MANIFEST = ".obsc.json"
LOCK = ".obsc.lock"
OBJECT_LIMIT = 900 * 1024
RULE_LIMIT = 480 * 1024
_STAGING = ".obsc-staging-"
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


@dataclass(frozen=True, slots=True)
class _Operation:
    """One step of a commit: put the staged file in place, or delete (no staged file). `backup` is what was there."""

    target: Path
    staged: Path | None
    backup: Path | None


def manifest(files: Mapping[str, bytes]) -> bytes:
    """`.obsc.json`: each file of a service with the digest of its content, one a line. Paths are relative to the environment."""
    listed = {path: _digest(files[path]) for path in sorted(files)}
    return (json.dumps({"files": listed}, indent=1, ensure_ascii=False) + "\n").encode()


def write(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool = False) -> Outcome | None:
    """Bring the folder to the tree, or with `check` only say what differs. None (with an error) if nothing was done.

    `tree` has every output by its POSIX path; `owned` are the folders and single files, `<env>/<area>/…`, where stale files go.
    """
    try:
        if check:
            return _plan(root, tree, owned, sink, check=True)
        with _locked(root, sink) as mine:
            outcome = _plan(root, tree, owned, sink, check=False) if mine else None
            if outcome is not None and not outcome.clean:
                _replace(root, tree, outcome)
            return outcome
    except OSError as error:
        named = [str(one) for one in (error.filename2, error.filename) if one is not None and _STAGING not in str(one)]
        sink.error("W901", f"the output cannot be {'read' if check else 'written'}: {error.strerror or error}",
                   Place(named[0] if named else str(root)), hint="give the rights, make room, or move away what is there; then run again")
        return None


def limit_problem(path: str, kind: str, size: int) -> str | None:
    """Why an object of `size` bytes is too large for its consumer, or None."""
    limit = RULE_LIMIT if kind == "PrometheusRule" else OBJECT_LIMIT
    if size <= limit:
        return None
    return f"{path} has {-(-size // 1024)} KiB, its consumer takes at most {limit // 1024} KiB"


def _plan(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool) -> Outcome | None:
    """What has to be done; None (with errors) if something forbids it. Only reads."""
    faults = list(_faults(root, tree))
    sink.extend(faults)
    folded = {path.casefold(): path for path in tree}
    stale: list[str] = []
    for folders in _bundles(owned):
        listed = _listed(root, folders, sink)
        # A list that cannot be trusted deletes nothing; the error is reported, and a new list takes its place.
        if listed is not None:
            stale += _stale(root, folded, listed, sink)
            _report_foreign(root, folders, (tree, listed), sink)
    return None if faults else _compare(root, tree, sorted(stale), check=check)


def _bundles(owned: Sequence[str]) -> Iterable[list[str]]:
    """Folders that share a list: `<env>/<area>/<namespace>/<name>` are a service's, what has one step less the platform's."""
    bundles: dict[tuple[str, str], list[str]] = {}
    for folder in sorted(set(owned)):
        environment, _, whose = folder.split("/", 2)
        bundles.setdefault((environment, whose if "/" in whose else ""), []).append(folder)
    return bundles.values()


def _faults(root: Path, tree: Mapping[str, bytes]) -> Iterator[Diagnostic]:
    folded: dict[str, str] = {}
    plain, told = set[str](), set[str]()
    for path in sorted(tree, key=lambda one: (one.casefold(), one)):
        if not _inside(path):
            yield Diagnostic("W903", Severity.ERROR, f"`{_shown(path)}` leads out of the output folder", Place(path),
                             hint="this is a fault of ours: report it")
            continue
        other = folded.setdefault(path.casefold(), path)
        above = next((folded[folder.casefold()] for folder in _folders(path) if folder.casefold() in folded), None)
        if other != path or above:
            yield Diagnostic("W902", Severity.ERROR, f"`{above or other}` and `{path}` cannot both be files on every disk", Place(path),
                             hint="this is a fault of ours: report it, and rename one of the services until it is mended")
        obstacle = _obstacle(root, path, plain)
        if obstacle and obstacle not in told:
            told.add(obstacle)
            yield Diagnostic("W904", Severity.ERROR, f"`{obstacle}` is in the way of outputs: expected a plain file in plain folders",
                             Place(str(root / obstacle)), hint="move it away")


def _inside(path: str) -> bool:
    """Whether a path has only plain, printable steps: none of them leads up, to a root, or to another path's place."""
    return path.isprintable() and "\\" not in path and all(step not in {"", ".", ".."} for step in path.split("/"))


def _folders(path: str) -> list[str]:
    """The folders above a path, outermost first."""
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def _obstacle(root: Path, path: str, plain: set[str]) -> str | None:
    """The first thing on the way that is no plain file or folder, or the one in place of the other; `plain` has folders known."""
    for folder in _folders(path):
        if folder not in plain and _kind(root / folder) not in {0, stat.S_IFDIR}:
            return folder
        plain.add(folder)
    return path if _kind(root / path) not in {0, stat.S_IFREG} else None


def _kind(path: Path) -> int:
    """The file type bits of what stands at a path itself, links not followed; 0 if there is nothing."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _listed(root: Path, folders: Sequence[str], sink: Sink) -> dict[str, str] | None:
    """Every path that the lists in these folders name, and the lists, with recorded digests. None if a list is unusable."""
    together: dict[str, str] = {}
    plain: set[str] = set()
    sound = True
    for folder in folders:
        found = _committed(root, folder, sink)
        bad = [] if found is None else [path for path in found if not _is_own(root, path, folders, plain)]
        for path in bad:
            sink.error("W905", f"the list names `{_shown(path)}`, which is no plain file of its own service",
                       Place(str(root / folder / MANIFEST)), hint="restore the list from version control")
        sound = sound and found is not None and not bad
        together.update(found or {})
    return together if sound else None


def _committed(root: Path, folder: str, sink: Sink) -> dict[str, str] | None:
    """The list of one folder and what it names, with digests; empty without a list, None if it is no list."""
    own = f"{folder}/{MANIFEST}"
    if _obstacle(root, own, set()) or not _kind(root / own):
        return {}
    raw, environment = (root / own).read_bytes(), folder.partition("/")[0]
    try:
        files = {f"{environment}/{name}": str(digest) for name, digest in json.loads(raw)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sink.error("W906", "the list of files cannot be read", Place(str(root / own)), hint="restore it from version control")
        return None
    return {**files, own: _digest(raw)}


def _is_own(root: Path, path: str, folders: Sequence[str], plain: set[str]) -> bool:
    below = any(path == folder or path.startswith(f"{folder}/") for folder in folders)
    return below and _inside(path) and _obstacle(root, path, plain) is None


def _stale(root: Path, folded: Mapping[str, str], listed: Mapping[str, str], sink: Sink) -> Iterator[str]:
    """What is listed, no longer compiled, still there, and as it was written. `folded` has what is compiled, by lower case."""
    for path, digest in sorted(listed.items()):
        twin, target = folded.get(path.casefold()), root / path
        # Where case makes no difference, the file may be there under its new name.
        if twin == path or not _kind(target) or (twin is not None and _kind(root / twin) and target.samefile(root / twin)):
            continue
        if _digest(target.read_bytes()) == digest:
            yield path
        else:
            sink.warning("W907", f"`{path}` is no longer compiled, but was changed by hand: it stays", Place(str(target)),
                         hint="delete it if it is not wanted")


def _report_foreign(root: Path, folders: Sequence[str], known: Sequence[Container[str]], sink: Sink) -> None:
    for folder in folders:
        unknown = (path for path in _files(root, folder) if not any(path in one for one in known))
        foreign = sorted(_shown(path.removeprefix(f"{folder}/")) for path in unknown)
        more = f" and {len(foreign) - 3} more" if len(foreign) > 3 else ""
        if foreign:
            sink.warning("W914", f"not of this compiler, so left alone: `{'`, `'.join(foreign[:3])}`{more}",
                         Place(str(root / folder)), hint="keep files of your own elsewhere; these folders belong to the compiler")


def _files(root: Path, folder: str) -> Iterator[str]:
    """Everything below a folder that is no folder, links not followed; nothing if the folder is a file or behind a link."""
    pending = [folder] if _kind(root / folder) and not _obstacle(root, f"{folder}/{MANIFEST}", set()) else []
    while pending:
        here = pending.pop()
        with os.scandir(root / here) as entries:
            for entry in entries:
                path = f"{here}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path


def _compare(root: Path, tree: Mapping[str, bytes], stale: Sequence[str], *, check: bool) -> Outcome:
    added = tuple(path for path in sorted(tree) if not _kind(root / path))
    changed = tuple(path for path in sorted(tree.keys() - set(added)) if (root / path).read_bytes() != tree[path])
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


@contextlib.contextmanager
def _locked(root: Path, sink: Sink) -> Iterator[bool]:
    """A lock that dies with its process, so that a killed run blocks nobody; what such a run has staged is removed."""
    made: list[Path] = []
    try:
        _make_folders(root, made)
        handle = _lock(root / LOCK)
        if handle is None:
            sink.error("W908", "another run writes to this folder", Place(str(root)), hint="wait until it is done")
            yield False
            return
        try:
            for left in root.glob(f"{_STAGING}*"):
                shutil.rmtree(left, ignore_errors=True)
            yield True
        finally:
            (root / LOCK).unlink(missing_ok=True)
            os.close(handle)
    finally:
        _drop_folders(reversed(made))


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


def _replace(root: Path, tree: Mapping[str, bytes], outcome: Outcome) -> None:
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=root))
    try:
        _commit(_operations(root, staging, tree, outcome))
        _drop_folders(folder for path in outcome.stale for folder in map(root.joinpath, reversed(_folders(path))))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _operations(root: Path, staging: Path, tree: Mapping[str, bytes], outcome: Outcome) -> list[_Operation]:
    """Every step of the commit, with all that it needs on disk: new files by path, then deletions, then lists of files."""
    fresh = frozenset(outcome.added)
    # A run that is killed leaves the old list until nothing that only it names is left to delete.
    paths = sorted((*outcome.added, *outcome.changed, *outcome.stale),
                   key=lambda path: (path.endswith(f"/{MANIFEST}"), path not in tree, path))
    operations = [_Operation(root / path, _stage(staging / f"{index}.new", tree[path]) if path in tree else None,
                             None if path in fresh else _backup(root / path, staging / f"{index}.old"))
                  for index, path in enumerate(paths)]
    # Only now: file systems sync one file at the price of many if all were written before.
    for path in (*(one.staged for one in operations if one.staged is not None), staging):
        _sync(path)
    return operations


def _stage(path: Path, content: bytes) -> Path:
    with path.open("wb") as file:
        file.write(content)
        # The user's umask must not decide who may read what is committed.
        os.fchmod(file.fileno(), 0o644)
    return path


def _backup(path: Path, copy: Path) -> Path:
    try:
        copy.hardlink_to(path)
    except OSError:  # not every file system has hard links
        shutil.copy2(path, copy)
    return copy


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _commit(operations: Sequence[_Operation]) -> None:
    """Take every step; if one fails (or the user interrupts), take all of them back and raise."""
    begun: list[_Operation] = []
    made: list[Path] = []
    try:
        for operation in operations:
            begun.append(operation)
            if operation.staged is None:
                operation.target.unlink()
            else:
                _make_folders(operation.target.parent, made)
                operation.staged.replace(operation.target)
        for folder in sorted({operation.target.parent for operation in operations}):
            _sync(folder)
    except BaseException:
        _undo(begun, made)
        raise


def _undo(begun: Sequence[_Operation], made: Sequence[Path]) -> None:
    lost: list[str] = []
    for operation in reversed(begun):
        try:
            if operation.backup is None:
                operation.target.unlink(missing_ok=True)
            else:
                operation.backup.replace(operation.target)
        except OSError:
            lost.append(str(operation.target))
    _drop_folders(reversed(made))
    if lost:
        raise OSError(errno.EIO, f"failed halfway, and {len(lost)} files could not be put back", lost[0])


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, readable by all whatever the umask; those that were not there go to `made`."""
    if folder.is_dir():
        return
    _make_folders(folder.parent, made)
    folder.mkdir()
    made.append(folder)
    folder.chmod(0o755)


def _drop_folders(folders: Iterable[Path]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _shown(path: str) -> str:
    return (path if path.isprintable() else ascii(path)[1:-1])[:80]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
