"""Bytes → disk: staged whole, then one rename per file; what is stale goes, what is foreign stays.

    tree = {"prod/artifacts/ai/chat/rules.yaml": b"…", …}      owned = ("prod/artifacts/ai/chat", …)

Everything of a run is staged and synced beside the outputs before one of them is touched. Paths that a committed file
names are untrusted: none of them ever leads outside the folders of its own service, or through a link.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from obsc import encode
from obsc.diagnostics import Diagnostic, Place, Severity, Sink

MANIFEST = ".obsc.json"
LOCK = ".obsc.lock"
OBJECT_LIMIT = 900 * 1024
RULE_LIMIT = 480 * 1024
_STAGING = ".obsc-staging-"
_DIFF_LINES = 200
_SHOWN = 3


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


class _TornError(OSError):
    """A commit failed, and so did putting back what it had replaced."""


def manifest(files: Mapping[str, bytes]) -> bytes:
    """`.obsc.json`: each file of a service with the digest of its content, one a line. Paths are relative to the environment."""
    listed = {path: _digest(files[path]) for path in sorted(files)}
    return (json.dumps({"files": listed}, indent=1, ensure_ascii=False) + "\n").encode()


def write(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool = False) -> Outcome | None:
    """Bring the folder to the tree, or with `check` only say what differs. None (with an error) if nothing was done."""
    if root.exists() and not root.is_dir():
        sink.error("W904", f"`{_shown(str(root))}` is no folder", Place(str(root)), hint="move it away, or name another folder")
        return None
    try:
        if check:
            return _plan(root, tree, owned, sink, check=True)
        with _locked(root, sink) as mine:
            outcome = _plan(root, tree, owned, sink, check=False) if mine else None
            if outcome is not None and not outcome.clean:
                _replace(root, tree, outcome)
            return outcome
    except OSError as error:
        torn = isinstance(error, _TornError)
        verb = "read" if check else "written"
        sink.error("W901", f"the output cannot be {verb}: {error.strerror or error}", Place(str(error.filename or root)),
                   hint="restore the folder from version control and run again" if torn else
                   "make room or give the rights, and run again: nothing was half written")
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
    folders = sorted(set(owned))
    listed = _listed(root, folders, sink)
    if faults or listed is None:
        return None
    stale = tuple(sorted(path for path, digest in listed.items() if _given_up(root, path, digest, tree, sink)))
    for folder in folders:
        _report_foreign(root, folder, tree.keys() | listed.keys(), sink)
    return _compare(root, tree, stale, check=check)


# What may not be written


def _faults(root: Path, tree: Mapping[str, bytes]) -> Iterator[Diagnostic]:
    folded: dict[str, str] = {}
    plain: set[str] = set()
    for path in sorted(tree, key=lambda one: (one.casefold(), one)):
        if not _inside(path):
            yield Diagnostic("W903", Severity.ERROR, f"`{_shown(path)}` leads out of the output folder", Place(path),
                             hint="this is a fault of ours: report it")
            continue
        other = folded.setdefault(path.casefold(), path)
        above = next((folded[folder.casefold()] for folder in _folders(path) if folder.casefold() in folded), None)
        if other != path or above:
            yield Diagnostic("W902", Severity.ERROR, f"`{above or other}` and `{path}` cannot both be files on every disk", Place(path),
                             hint="rename one service")
        obstacle = _obstacle(root, path, plain)
        if obstacle:
            yield Diagnostic("W904", Severity.ERROR, f"`{obstacle}` is in the way of `{path}`: expected a plain file in plain folders",
                             Place(str(root / obstacle)), hint="move it away")


def _inside(path: str) -> bool:
    """Whether a path has only plain, printable steps: none of them leads up, to a root, or to another path's place."""
    return path.isprintable() and "\\" not in path and all(step not in {"", ".", ".."} for step in path.split("/"))


def _folders(path: str) -> list[str]:
    """The folders above a path, outermost first."""
    return [path[:at] for at, char in enumerate(path) if char == "/"]


def _obstacle(root: Path, path: str, plain: set[str]) -> str | None:
    """The first thing on the way that is a link, a special file, a file in place of a folder, or a folder in place of the file.

    Folders that are none are remembered in `plain`, so that each is looked at once.
    """
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


# What an earlier run wrote


def _listed(root: Path, folders: Sequence[str], sink: Sink) -> dict[str, str] | None:
    """Every path that the lists in these folders name, and the lists, with recorded digests. None if a list is hostile."""
    together: dict[str, str] = {}
    sound = True
    for folder in folders:
        found = _committed(root, folder, sink)
        bad = [] if found is None else [path for path in found if not _is_own(root, path, folder, folders)]
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
    raw = (root / own).read_bytes()
    environment = folder.split("/")[0]
    try:
        files = {f"{environment}/{name}": str(digest) for name, digest in json.loads(raw)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        sink.error("W906", "the list of files cannot be read", Place(str(root / own)), hint="restore it from version control")
        return None
    return {**files, own: _digest(raw)}


def _is_own(root: Path, path: str, folder: str, folders: Sequence[str]) -> bool:
    """Whether the list in `folder` may name a path: one in the folders of the same service, or for the platform of the platform."""
    environment, _, *whose = folder.split("/", 2)
    for one in folders:
        other, _, *theirs = one.split("/", 2)
        # `<env>/artifacts/<namespace>/<name>` is a service's; what has one step less is the platform's.
        same = theirs == whose or not any("/" in tail for tail in (*theirs, *whose))
        if other == environment and same and (path == one or path.startswith(one + "/")):
            return _inside(path) and _obstacle(root, path, set()) is None
    return False


def _given_up(root: Path, path: str, digest: str, tree: Mapping[str, bytes], sink: Sink) -> bool:
    """Whether a listed file is no longer compiled, still there, and as it was written."""
    target = root / path
    if path in tree or not _kind(target):
        return False
    if any(path.casefold() == one.casefold() and (root / one).exists() and (root / one).samefile(target) for one in tree):
        return False
    if _digest(target.read_bytes()) == digest:
        return True
    sink.warning("W907", f"`{path}` is no longer compiled, but was changed by hand: it stays", Place(str(target)),
                 hint="delete it if it is not wanted")
    return False


def _report_foreign(root: Path, folder: str, known: Collection[str], sink: Sink) -> None:
    foreign = sorted(path for path in _files(root, folder) if path not in known)
    if not foreign:
        return
    names = ", ".join(f"`{_shown(path.removeprefix(folder + '/'))}`" for path in foreign[:_SHOWN])
    more = f" and {len(foreign) - _SHOWN} more" if len(foreign) > _SHOWN else ""
    sink.warning("W913", f"not of this compiler, so left alone: {names}{more}", Place(str(root / folder)),
                 hint="keep files of your own elsewhere; these folders belong to the compiler")


def _files(root: Path, folder: str) -> Iterator[str]:
    """Everything below a folder that is no folder, links not followed; nothing if the folder is a file or behind a link."""
    pending = [] if _obstacle(root, f"{folder}/{MANIFEST}", set()) else [folder]
    while pending:
        here = pending.pop()
        if _kind(root / here) != stat.S_IFDIR:
            continue
        with os.scandir(root / here) as entries:
            for entry in entries:
                path = f"{here}/{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    yield path


# What differs


def _compare(root: Path, tree: Mapping[str, bytes], stale: tuple[str, ...], *, check: bool) -> Outcome:
    changed: list[str] = []
    added: list[str] = []
    lines: list[str] = []
    unshown = 0
    for path in sorted(tree):
        old = (root / path).read_bytes() if _kind(root / path) else None
        if old is None:
            added.append(path)
        elif old != tree[path]:
            changed.append(path)
            if check and len(lines) < _DIFF_LINES:
                lines += _difference(path, old, tree[path])
            else:
                unshown += 1
    return Outcome(tuple(changed), tuple(added), stale, _capped(lines, unshown) if check else "")


def _difference(path: str, old: bytes, new: bytes) -> list[str]:
    # What is committed goes to a terminal here: escape sequences in it are shown, not obeyed.
    before, after = ([encode.terminal(line) for line in raw.decode("utf-8", "replace").split("\n")] for raw in (old, new))
    return list(difflib.unified_diff(before, after, f"committed/{path}", f"compiled/{path}", lineterm=""))


def _capped(lines: Sequence[str], unshown: int) -> str:
    left = [f"{count} more {what}{'' if count == 1 else 's'}"
            for count, what in ((len(lines) - _DIFF_LINES, "line"), (unshown, "file")) if count > 0]
    shown = [*lines[:_DIFF_LINES], *([f"… and {' and '.join(left)}"] if left else [])]
    return "".join(line + "\n" for line in shown)


# Writing


@contextlib.contextmanager
def _locked(root: Path, sink: Sink) -> Iterator[bool]:
    """A lock that dies with its process, so that a killed run blocks nobody; what such a run has staged is removed."""
    made: list[Path] = []
    _make_folders(root, made)
    path = root / LOCK
    handle = _lock(path)
    if handle is None:
        sink.error("W908", "another run writes to this folder", Place(str(root)), hint="wait until it is done")
        yield False
        return
    try:
        for left in root.glob(f"{_STAGING}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield True
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)
        _drop_folders(reversed(made))


def _lock(path: Path) -> int | None:
    """A handle that holds the lock, or None if another has it."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Its last holder may have removed the file after we opened it: what we hold would then keep nobody out.
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError:
            os.close(handle)
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
    """Every step of the commit, with all that it needs on disk: new files in the order of paths, then deletions."""
    new = sorted((*outcome.added, *outcome.changed))
    staged = [_stage(staging / f"{index}.new", tree[path]) for index, path in enumerate(new)]
    # Only now: file systems sync one file at the price of many if all were written before.
    for path in (*staged, staging):
        _sync(path)
    fresh = frozenset(outcome.added)
    steps = [*zip(new, staged, strict=True), *((path, None) for path in outcome.stale)]
    return [_Operation(root / path, one, None if path in fresh else _backup(root / path, staging / f"{index}.old"))
            for index, (path, one) in enumerate(steps)]


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
        raise _TornError(0, f"it failed halfway, and {len(lost)} files could not be put back", lost[0])


def _make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, readable by all whatever the umask; those that were not there go to `made`."""
    if folder.is_dir():
        return
    _make_folders(folder.parent, made)
    folder.mkdir()
    made.append(folder)
    folder.chmod(0o755)


def _drop_folders(folders: Iterable[Path]) -> None:
    """Remove the folders that are empty."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _shown(path: str) -> str:
    return (path if path.isprintable() else ascii(path)[1:-1])[:80]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
