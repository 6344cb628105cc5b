"""A run that is killed at one file operation, and what it leaves: the compiler as a user runs it, in a process of its own."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from obsc import cli, disk
from obsc.journal import STAGING
from obsc.write import LOCK

Files = Mapping[str, bytes]


def obsc(*arguments: str) -> tuple[int, str]:
    """Run a command here: its exit code, and what it said."""
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            cli.main(arguments)
        except SystemExit as end:
            return int(end.code or 0), said.getvalue()
    raise AssertionError(arguments)


def killed_after(number: int, work: Callable[[], object]) -> bool:
    """Do something in a child that dies after so many file operations; False if it needed fewer, and came to its end."""
    child = os.fork()
    if not child:
        os.environ[disk.FAULT] = str(number)
        disk._numbers = itertools.count(1)
        try:
            work()
        finally:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == disk.KILLED


def operations(work: Callable[[], object]) -> int:
    """How many file operations something takes."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        disk._numbers = itertools.count(1)
        work()
        os.write(write, str(next(disk._numbers) - 1).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read) as pipe:
        return int(pipe.read())


def outputs(out: Path) -> dict[str, bytes]:
    """Every file of an output folder but the lock and what is staged, links not followed."""
    found = {}
    for folder, folders, names in os.walk(out):
        folders[:] = [name for name in folders if name != STAGING]
        for name in names:
            path = Path(folder, name)
            if name != LOCK and not path.is_symlink():
                found[path.relative_to(out).as_posix()] = path.read_bytes()
    return found


def has_journal(out: Path) -> bool:
    """Whether a run was killed after it was decided."""
    return (out / STAGING / "journal.json").is_file()


def say(text: str) -> None:
    """Print past pytest."""
    sys.stderr.write(f"{text}\n")
