"""A case of this folder, run as a user runs it: the command line, in a folder with the case's files.

    <CODE>/bad.yaml, bad.json or bad/…   what is validated (verified, if the code begins with X); good… is its mended form
    <CODE>/platform.yaml                 the platform beside it; this folder's own `platform.yaml` if there is none and
                                         the input does not define one
    <CODE>/bad.sh, good.sh               instead: a session of commands, one a line; what the last one says counts

Two codes are out of a user's reach (names of files that the compiler chooses): their cases call the module.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from obsc import cli, report, write
from obsc.diagnostics import Sink

HERE = Path(__file__).parent
CASES = tuple(sorted({path.parent.name for path in HERE.glob("[A-Z][0-9][0-9][0-9]/bad*")}))


def told(code: str, which: str, folder: Path) -> str:
    """What a case's `bad` or `good` input makes the compiler say; the folder is empty, and gets the case's files."""
    lay_out(code, folder)
    if code in DOORS:
        return DOORS[code](folder, which)
    before = Path.cwd()
    os.chdir(folder)
    try:
        return [_run(line) for line in commands(code, which)][-1]
    finally:
        os.chdir(before)


def lay_out(code: str, folder: Path) -> None:
    """Copy the case's files, and a platform if it has none of its own."""
    shutil.copytree(HERE / code, folder, dirs_exist_ok=True, symlinks=True)
    if not (folder / "platform.yaml").exists():
        shutil.copy(HERE / "platform.yaml", folder)


def commands(code: str, which: str) -> list[str]:
    """The commands of a session, as a user would type them."""
    session = HERE / code / f"{which}.sh"
    if session.exists():
        return [line for line in session.read_text().splitlines() if not line.startswith("#")]
    name = next(path.name for path in (HERE / code).glob(f"{which}*"))
    if code.startswith("X"):
        return [f"obsc verify {name}"]
    has_platform = any(b"kind: AIPlatform" in path.read_bytes() for path in inputs(code, which))
    return [f"obsc validate {name}" if has_platform else f"obsc validate {name} platform.yaml"]


def inputs(code: str, which: str) -> list[Path]:
    """The files of the bad or the good form: its session, else its one file or all of its folder."""
    session, folder = HERE / code / f"{which}.sh", HERE / code / which
    if session.exists() and not any((HERE / code).glob(f"{which}.[jy]*")):
        return [session]
    files = folder.rglob("*") if folder.is_dir() else (HERE / code).glob(f"{which}.[jy]*")
    return sorted(path for path in files if path.is_file())


def _run(line: str) -> str:
    words = shlex.split(line)
    if words[0] != "obsc":
        subprocess.run(["sh", "-ec", line], check=True)
        return ""
    return CliRunner(catch_exceptions=False, env={"NO_COLOR": "1"}).invoke(cli.main, words[1:]).stderr


def _written(*paths: str) -> Callable[[Path, str], str]:
    """W902, W903: paths that no spec can bring about. The good form has only the first of them."""
    def run(folder: Path, which: str) -> str:
        sink = Sink()
        write.write(folder / "out", dict.fromkeys(paths if which == "bad" else paths[:1], b"groups: []\n"), (), sink)
        return report.render(sink, {})

    return run


def _held(folder: Path, which: str) -> str:
    """W908: a second run while the first holds the lock."""
    (folder / "out").mkdir()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with (folder / "out" / write.LOCK).open("w") as handle:
            if which == "bad":
                fcntl.flock(handle, fcntl.LOCK_EX)
            return _run("obsc compile service.yaml platform.yaml")
    finally:
        os.chdir(before)


DOORS: dict[str, Callable[[Path, str], str]] = {
    "W902": _written("prod/rules.yaml", "prod/Rules.yaml"),
    "W903": _written("prod/rules.yaml", "../prod/rules.yaml"), "W908": _held,
}
