"""The commit: staged whole and written down first, then one rename per file, then what goes is deleted.

    <out>/.obsc-staging/
      0.new 1.new …   what will be put in place
      0.old 1.old …   what is there now
      journal.json    every step, with digests: once it is there, the next run finishes what a killed one began
      undo.json       instead of it, once a run failed: the next run takes back what that one could not

A run that is killed before the journal stands has changed nothing; what it staged is dropped. Each step, forth or back,
can be seen on the disk to be done or not, so it may be tried again by any later run. The journal lies in a folder that
may be committed, so it is untrusted: all of it is checked before the first step.
"""

from __future__ import annotations

import contextlib
import errno
import json
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from obsc import disk
from obsc.diagnostics import Place, Sink
from obsc.footing import digest, digest_at, folders, is_inside, kind, obstacle, shown

STAGING = ".obsc-staging"
_JOURNAL, _UNDO, _DRAFT = "journal.json", "undo.json", "journal.draft"
_OURS = re.compile(r"[0-9]+\.(new|old)|journal\.json|undo\.json|journal\.draft")
_OUTPUT = re.compile(r"[^./][^/]*/(artifacts|manifests)/.")


@dataclass(frozen=True, slots=True)
class _Step:
    """One path's step: `new` is the digest of what is put there (None: it is deleted), `old` of what was there (None: nothing)."""

    path: str
    new: str | None
    old: str | None


@dataclass(frozen=True, slots=True)
class _Staged:
    """A step and what it needs. The files are there until the step is done, or taken back."""

    target: Path
    step: _Step
    new: Path
    old: Path


class _UntrustedError(Exception):
    """Why a journal is not followed."""


def commit(root: Path, tree: Mapping[str, bytes], paths: Sequence[str]) -> None:
    """Take every path, in this order, to what the tree has there, or delete it. If that fails, nothing is changed; then it raises."""
    try:
        steps = _stage(root, tree, paths)
    except BaseException:
        _discard(root)
        raise
    try:
        _go(root, steps, steps)
    except BaseException:
        _give_up(root, steps)
        raise
    _discard(root)


def is_unfinished(root: Path) -> bool:
    """Whether a killed run left something in the output folder (or another one writes to it just now)."""
    return kind(root / STAGING) != 0


def finish(root: Path, sink: Sink) -> bool:
    """Finish what a killed run began, or drop it. False (with an error) if what it left cannot be trusted. Needs the lock."""
    staging = root / STAGING
    try:
        undo = kind(staging / _UNDO) != 0
        if kind(staging) not in {0, stat.S_IFDIR} or undo or kind(staging / _JOURNAL):
            steps = _read(root, staging / (_UNDO if undo else _JOURNAL))
            _check_staged(steps, undo=undo)
            if undo:
                _back(root, steps)
            else:
                _go(root, steps, [one for one in steps if _is_ahead(one)])
    except _UntrustedError as problem:
        sink.error("W915", f"what an earlier run left cannot be finished: {problem}", Place(str(staging)),
                   hint="delete it, restore the outputs from version control, then run again")
        return False
    _discard(root)
    return True


def make_folders(folder: Path, made: list[Path]) -> None:
    """Make a folder and those above it, readable by all; those that were not there go to `made`."""
    if folder.is_dir():
        return
    make_folders(folder.parent, made)
    disk.make_folder(folder, 0o755)
    made.append(folder)


def drop_folders(candidates: Iterable[Path]) -> None:
    """Delete those folders that are empty."""
    for folder in candidates:
        with contextlib.suppress(OSError):
            disk.remove_folder(folder)


def _stage(root: Path, tree: Mapping[str, bytes], paths: Sequence[str]) -> list[_Staged]:
    """Everything that the steps need, on disk, and then the journal: with its name the run is decided."""
    staging = root / STAGING
    with contextlib.suppress(FileExistsError):
        disk.make_folder(staging, 0o700)
    steps = [_put(root, number, path, tree.get(path)) for number, path in enumerate(paths)]
    draft = staging / _DRAFT
    disk.put(draft, (json.dumps({"steps": [asdict(one.step) for one in steps]}, indent=1) + "\n").encode())
    # Only now: file systems sync one file at the price of many if all were written before.
    disk.sync_all([*(one.new for one in steps if one.step.new is not None), draft])
    disk.sync(staging)
    disk.rename(draft, staging / _JOURNAL)
    for path in (staging, root):
        disk.sync(path)
    return steps


def _put(root: Path, number: int, path: str, content: bytes | None) -> _Staged:
    """Stage what a path shall have, beside what it has now."""
    new = digest(content) if content is not None else None
    one = _staged(root, number, _Step(path, new, digest_at(root / path)))
    if content is not None:
        disk.put(one.new, content)
    if one.step.old is not None:
        disk.keep(one.target, one.old)
    return one


def _staged(root: Path, number: int, step: _Step) -> _Staged:
    staging = root / STAGING
    return _Staged(root / step.path, step, staging / f"{number}.new", staging / f"{number}.old")


def _go(root: Path, steps: Sequence[_Staged], ahead: Iterable[_Staged]) -> None:
    """Take the steps that are ahead; what all of them bring with them is done again."""
    made: list[Path] = []
    for one in ahead:
        if one.step.new is None:
            disk.remove(one.target)
        else:
            make_folders(one.target.parent, made)
            disk.rename(one.new, one.target)
    _sync_folders(root, steps)
    gone = (one.step.path for one in steps if one.step.new is None)
    drop_folders(root / folder for path in gone for folder in reversed(folders(path)))


def _give_up(root: Path, steps: Sequence[_Staged]) -> None:
    """Take back a run that failed. What cannot be taken back now, a later run will: so much is left on the disk."""
    staging = root / STAGING
    try:
        disk.rename(staging / _JOURNAL, staging / _UNDO)
        disk.sync(staging)
    except OSError as error:
        raise OSError(errno.EIO, "failed halfway, and nothing could be put back; the next run goes on", str(root)) from error
    _back(root, steps)
    _discard(root)


def _back(root: Path, steps: Sequence[_Staged]) -> None:
    lost: list[str] = []
    for one in reversed(steps):
        try:
            _put_back(one)
        except OSError:
            lost.append(str(one.target))
    drop_folders(root / folder for one in steps if one.step.old is None for folder in reversed(folders(one.step.path)))
    if lost:
        raise OSError(errno.EIO, f"failed halfway, and {len(lost)} files could not be put back; the next run tries again", lost[0])
    _sync_folders(root, steps)


def _put_back(one: _Staged) -> None:
    """Only what the run itself put there, or took away, is changed."""
    now = digest_at(one.target)
    if now != one.step.new or now == one.step.old:
        return
    if one.step.old is None:
        disk.remove(one.target)
    else:
        disk.rename(one.old, one.target)


def _sync_folders(root: Path, steps: Iterable[_Staged]) -> None:
    changed = {folder for one in steps for folder in folders(one.step.path)}
    # A folder may be gone by what was deleted, or never have come.
    disk.sync_all([root, *(root / folder for folder in sorted(changed))], missing_ok=True)


def _discard(root: Path) -> None:
    """Remove what is staged, the journal first: what is left without it means nothing. Foreign files stay."""
    staging = root / STAGING
    with contextlib.suppress(OSError):
        names = [path for path in staging.iterdir() if _OURS.fullmatch(path.name)]
        for path in sorted(names, key=lambda path: (path.suffix != ".json", path.name)):
            disk.remove(path)
        disk.remove_folder(staging)


def _read(root: Path, path: Path) -> list[_Staged]:
    """The steps of a journal: every one leads to a plain file among the outputs."""
    if kind(path.parent) != stat.S_IFDIR or kind(path) != stat.S_IFREG:
        raise _UntrustedError(f"`{path.name}` is no plain file")
    try:
        steps = [_step(one) for one in json.loads(path.read_bytes())["steps"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _UntrustedError(f"`{path.name}` cannot be read") from None
    plain: set[str] = set()
    staged = [_staged(root, number, step) for number, step in enumerate(steps)]
    for one in staged:
        name = one.step.path
        if not is_inside(name) or not _OUTPUT.match(name):
            raise _UntrustedError(f"`{path.name}` names `{shown(name)}`, which is no output")
        if found := obstacle(root, name, plain):
            raise _UntrustedError(f"`{found}` is no plain file in plain folders")
    return staged


def _check_staged(steps: Iterable[_Staged], *, undo: bool) -> None:
    for one in steps:
        file, expected = (one.old, one.step.old) if undo else (one.new, one.step.new)
        if kind(file) and digest_at(file) != expected:
            raise _UntrustedError(f"`{file.name}` is not what was staged")


def _step(raw: Mapping[str, object]) -> _Step:
    path, new, old = raw["path"], raw["new"], raw["old"]
    if not isinstance(path, str) or not isinstance(new, str | None) or not isinstance(old, str | None):
        raise TypeError
    return _Step(path, new, old)


def _is_ahead(one: _Staged) -> bool:
    """Whether a step is still to be done. What somebody edited since the run was killed is not touched."""
    now = digest_at(one.target)
    if one.step.new is None:
        return now is not None and now == one.step.old
    return kind(one.new) != 0 and now in {one.step.old, None}
