"""Specs as a revision of a git repository has them: read from its objects, without a work tree.

Nothing of the repository runs: hooks, filters, attributes and external diffs are out of the way of the two commands.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

_SAFE = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "protocol.allow=never",
         "-c", "core.attributesFile=/dev/null")
_SECONDS = 60
_REGULAR = frozenset({b"100644", b"100755"})


class RevisionError(Exception):
    """The revision cannot be read; the text says why."""


def files_at(revision: str, paths: Sequence[Path], wanted: Callable[[Collection[str]], Iterable[str]]) -> Mapping[str, bytes]:
    """Content of files at or below the paths, by their path as given: of those that `wanted` chooses among the names of all.

    Links are left out.
    """
    if revision.startswith("-"):
        raise RevisionError(f"`{revision}` is no revision")
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").strip().decode()
    found: dict[str, str] = {}
    for entry in _git("ls-tree", "-r", "-z", commit, "--", *(str(path) for path in paths)).split(b"\0"):
        facts, _, name = entry.partition(b"\t")
        mode, _, rest = facts.partition(b" ")
        if mode in _REGULAR:
            found[os.fsdecode(name)] = rest.split()[1].decode()
    return {name: _git("cat-file", "blob", found[name]) for name in wanted(found)}


def _git(*arguments: str) -> bytes:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        # Fixed words, and a revision and paths that cannot be options; git itself is the one that the user runs.
        done = subprocess.run(["git", *_SAFE, *arguments], capture_output=True, check=False, timeout=_SECONDS,  # noqa: S603, S607
                              env={**environment, "GIT_CONFIG_NOSYSTEM": "1", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RevisionError(f"git cannot be asked: {error}") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise RevisionError(said[0] if said else f"there is no such revision: `{arguments[-1].removesuffix('^{commit}')}`")
    return done.stdout
