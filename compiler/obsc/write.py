"""Bytes → disk: staged whole, then one rename per file; what is stale goes, what is foreign stays.

    tree = {"prod/artifacts/ai/chat/rules.yaml": b"…", …}      owned = ("prod/artifacts/ai/chat", …)

Everything of a run is staged and synced beside the output folder before that is touched. Paths that a committed
file names are untrusted: none of them ever leads outside the folders that this run owns, or through a link.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from obsc.diagnostics import Place, Sink

MANIFEST = ".obsc.json"
LOCK = ".obsc.lock"
OBJECT_LIMIT = 900 * 1024
RULE_LIMIT = 480 * 1024
_DIFF_LINES = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did, or with `check` what it would do: paths, sorted."""

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
    """One step of a commit: put the staged file in place, or delete (no staged file)."""

    target: Path
    staged: Path | None


def manifest(files: Mapping[str, bytes]) -> bytes:
    """`.obsc.json`: each file of a service with the digest of its content, one a line."""
    listed = {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)}
    return (json.dumps({"files": listed}, indent=1, ensure_ascii=False) + "\n").encode()


def write(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink, *, check: bool = False) -> Outcome | None:
    """Bring the folder to the tree, or with `check` only say what differs. None (with an error) if nothing was done."""
    if not _sound(root, tree, sink):
        return None
    stale = _stale(root, tree, owned, sink)
    if stale is None:
        return None
    outcome = _compare(root, tree, stale)
    if check or outcome.clean:
        return outcome
    try:
        root.mkdir(parents=True, exist_ok=True)
        with _locked(root, sink) as mine:
            return outcome if mine and _staged(root, tree, outcome) else None
    except OSError as error:
        sink.error("W901", f"the output cannot be written: {error.strerror or error}", Place(str(root)),
                   hint="make room or give the right to write, and run again: nothing was half written")
        return None


def limit_problem(path: str, kind: str, size: int) -> str | None:
    """Why an object is too large for its consumer, or None."""
    limit = RULE_LIMIT if kind == "PrometheusRule" else OBJECT_LIMIT
    if size <= limit:
        return None
    return f"{path} has {size // 1024} KiB, its consumer takes at most {limit // 1024} KiB"


def _sound(root: Path, tree: Mapping[str, bytes], sink: Sink) -> bool:
    folded: dict[str, str] = {}
    fine = True
    for path in sorted(tree):
        other = folded.setdefault(path.casefold(), path)
        if other != path:
            sink.error("W902", f"`{other}` and `{path}` are one file on some disks", Place(path), hint="rename one service")
            fine = False
        if not _inside(path):
            sink.error("W903", f"`{path}` leads out of the output folder", Place(path), hint="this is a fault of ours: report it")
            fine = False
        obstacle = _obstacle(root, path)
        if obstacle:
            sink.error("W904", f"`{obstacle}` is in the way of `{path}`: expected a plain file in plain folders",
                       Place(str(root / obstacle)), hint="move it away")
            fine = False
    return fine


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not (pure.is_absolute() or ".." in pure.parts or "\\" in path or "\0" in path or path != str(pure) or path == ".")


def _obstacle(root: Path, path: str) -> str | None:
    """The first thing on the way that is a link, a file in place of a folder, or a folder in place of the file."""
    parts = PurePosixPath(path).parts
    for depth in range(1, len(parts) + 1):
        here = root.joinpath(*parts[:depth])
        if here.is_symlink():
            return "/".join(parts[:depth])
        if here.exists() and here.is_dir() == (depth == len(parts)):
            return "/".join(parts[:depth])
    return None


def _stale(root: Path, tree: Mapping[str, bytes], owned: Sequence[str], sink: Sink) -> tuple[str, ...] | None:
    """Files that an earlier run wrote into the owned folders and this one does not. None if a list is hostile."""
    found: list[str] = []
    hostile = False
    for folder in sorted(owned):
        listed = _committed(root, folder, sink)
        if listed is None:
            hostile = True
            continue
        for path, digest in listed.items():
            mine = any(path == one or path.startswith(one + "/") for one in owned)
            if not _inside(path) or not mine or _obstacle(root, path) is not None:
                sink.error("W905", f"the list in `{folder}/{MANIFEST}` names `{path[:80]}`, which is not its service's to delete",
                           Place(str(root / folder / MANIFEST)), hint="restore the file from version control")
                hostile = True
            elif path not in tree and (root / path).is_file():
                found += _given_up(root, path, digest, sink)
        own = f"{folder}/{MANIFEST}"
        if own not in tree and (root / own).is_file():
            found.append(own)
    return None if hostile else tuple(sorted(set(found)))


def _committed(root: Path, folder: str, sink: Sink) -> dict[str, str] | None:
    path = root / folder / MANIFEST
    if _obstacle(root, f"{folder}/{MANIFEST}") or not path.is_file():
        return {}
    environment = PurePosixPath(folder).parts[0]
    try:
        files = json.loads(path.read_bytes())["files"]
        return {f"{environment}/{name}": str(digest) for name, digest in files.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        sink.error("W906", "the list of files cannot be read", Place(str(path)), hint="restore it from version control")
        return None


def _given_up(root: Path, path: str, digest: str, sink: Sink) -> list[str]:
    if hashlib.sha256((root / path).read_bytes()).hexdigest() == digest:
        return [path]
    sink.warning("W907", f"`{path}` is no longer compiled, but was changed by hand: it stays", Place(str(root / path)),
                 hint="delete it if it is not wanted")
    return []


def _compare(root: Path, tree: Mapping[str, bytes], stale: tuple[str, ...]) -> Outcome:
    changed, added, lines = list[str](), list[str](), list[str]()
    for path in sorted(tree):
        target = root / path
        old = target.read_bytes() if target.is_file() else None
        if old == tree[path]:
            continue
        (added if old is None else changed).append(path)
        if old is not None and len(lines) <= _DIFF_LINES:
            lines += _difference(path, old, tree[path])
    more = len(lines) - _DIFF_LINES
    text = "".join(lines[:_DIFF_LINES]) + (f"… and {more} more lines of differences\n" if more > 0 else "")
    return Outcome(tuple(changed), tuple(added), stale, text)


def _difference(path: str, old: bytes, new: bytes) -> list[str]:
    before, after = (raw.decode("utf-8", "replace").splitlines(keepends=True) for raw in (old, new))
    return list(difflib.unified_diff(before, after, f"committed/{path}", f"compiled/{path}"))


@contextlib.contextmanager
def _locked(root: Path, sink: Sink) -> Iterator[bool]:
    """A lock that dies with its process, so that a killed run blocks nobody."""
    path = root / LOCK
    handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        sink.error("W908", "another run writes to this folder", Place(str(root)), hint="wait until it is done")
        yield False
        return
    try:
        yield True
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _staged(root: Path, tree: Mapping[str, bytes], outcome: Outcome) -> bool:
    staging = Path(tempfile.mkdtemp(prefix=".obsc-staging-", dir=root))
    try:
        operations = [_Operation(root / path, _stage(staging, index, tree[path]))
                      for index, path in enumerate((*outcome.added, *outcome.changed))]
        operations += [_Operation(root / path, None) for path in outcome.stale]
        _commit(operations, root)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return True


def _stage(staging: Path, index: int, content: bytes) -> Path:
    path = staging / str(index)
    with path.open("wb") as file:
        file.write(content)
        # The user's umask must not decide who may read what is committed.
        os.fchmod(file.fileno(), 0o644)
        file.flush()
        os.fsync(file.fileno())
    return path


def _commit(operations: Sequence[_Operation], root: Path) -> None:
    """Rename every staged file into its place, then delete, then drop folders that became empty."""
    for operation in operations:
        if operation.staged is not None:
            _make_folders(operation.target.parent, root)
            operation.staged.replace(operation.target)
    for operation in operations:
        if operation.staged is None:
            operation.target.unlink(missing_ok=True)
            _drop_empty(operation.target.parent, root)


def _make_folders(folder: Path, root: Path) -> None:
    if folder in {root, folder.parent} or folder.is_dir():
        return
    _make_folders(folder.parent, root)
    folder.mkdir()
    folder.chmod(0o755)


def _drop_empty(folder: Path, root: Path) -> None:
    while folder != root and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
