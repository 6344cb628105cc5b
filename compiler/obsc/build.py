"""What outputs depend on besides their inputs: this package's own files, and the libraries whose release can change a byte.

Only the standard library's light modules are imported: a run that has nothing to do asks this before anything else is loaded.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from functools import cache

_LIBRARIES = ("click", "grafanalib", "promql_parser", "promql-parser", "pydantic", "pydantic_core", "ruamel.yaml", "ruamel_yaml",
              "ruamel.yaml.clib", "ruamel_yaml_clib")
_METADATA = (".dist-info", ".egg-info")
_HOME = os.path.dirname(os.path.abspath(__file__))


@cache
def digest(home: str = _HOME) -> str:
    """A digest of the content of every file of the package."""
    made = hashlib.sha256()
    for path, _ in _files(home):
        with open(path, "rb") as file:
            raw = file.read()
        made.update(f"{os.path.relpath(path, home)}:{len(raw)}:".encode())
        made.update(raw)
    return made.hexdigest()


def signature(home: str = _HOME) -> tuple[str, int]:
    """A digest of where, how large, how old and which file every file of the package is, and when the newest was changed last."""
    made, newest = hashlib.sha256(home.encode("utf-8", "surrogateescape")), 0
    for path, found in _files(home):
        made.update(f"{path}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino};".encode("utf-8", "surrogateescape"))
        newest = max(newest, found.st_ctime_ns)
    return made.hexdigest(), newest


@cache
def libraries() -> str:
    """The release of Python, and the installed releases of libraries that matter, first ones first."""
    found = [f"python-{sys.version_info[0]}.{sys.version_info[1]}.{sys.version_info[2]}"]
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")
        except OSError:  # an archive, or nothing
            continue
        found += sorted(name for name in names if name.endswith(_METADATA) and name.partition("-")[0] in _LIBRARIES)
    return " ".join(found)


def _files(home: str) -> Iterator[tuple[str, os.stat_result]]:
    """Every file of the package in a fixed order, but for what Python makes of them."""
    pending = [home]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != "__pycache__":
                        pending.append(entry.path)
                elif not entry.name.endswith(".pyc"):
                    yield entry.path, entry.stat()
