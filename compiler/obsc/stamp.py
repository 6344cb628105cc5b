"""Whether a command would find everything as the last one like it left it: then it says what that one said, and is done.

A stamp is kept for a command that ended with 0 (its words, its folder, what it was told by the environment, this package's own
files, the libraries). It has

- the inputs: names below the given paths, and a digest of the content of each file, taken before they were read;
- the outputs: for each folder of the environments a digest of what the disk says of its entries (name, size, times, number),
  one of their content, and one of what was compiled for it. What the disk says is believed of a folder whose newest entry is older
  than the stamp by more than a clock's step; of any other the content is read: a file may change twice within one step, and keep
  its size.

Where only some inputs changed, the command runs, and is told which folders are still as the last one left them.

Whatever is not as it was, or is not understood, is no error here: the command runs. Only the standard library's light modules
are imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from obsc import build
from obsc.store import Store, home, key

_FORM = "stamp 2"
_STEP = 2_000_000_000  # nanoseconds: no file system's clock goes in larger steps
_KINDS = (".yaml", ".yml")
_LIST, _UNFINISHED = ".obsc.json", (".obsc.lock", ".obsc-staging")
_AREAS = ("artifacts", "manifests")
_NEVER = ("--check", "--no-cache", "--help", "-h", "--")

Outputs = dict[str, tuple[str, int, tuple[str, ...]]]  # by folder: digest of what the disk says, time of the newest change, names


class Asked:
    """A command: the name of its stamp, and where stamps are kept."""

    __slots__ = ("began", "name", "store")

    def __init__(self, name: str, store: Store, began: int) -> None:
        self.name, self.store, self.began = name, store, began


_asked: list[Asked] = []


def replayed(words: Sequence[str]) -> bool:
    """Say what the last command of these words said, if nothing changed since it ended well; else False, and nothing is said."""
    _asked.clear()
    one = _command(words)
    if one is None:
        return False
    _asked.append(one)
    try:
        stamp = json.loads(one.store.get(one.name) or b"null")
        if stamp is None or not _as_left(stamp, one):
            return False
        said = (str(stamp["stderr"]), str(stamp["stdout"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    sys.stderr.write(said[0])
    sys.stdout.write(said[1])
    return True


def inputs(paths: Iterable[str], out: str) -> str | None:
    """A digest of the names and the content of all files that may be read at or below the paths; None if a link is among them."""
    made = hashlib.sha256()
    for path in paths:
        for name in _inputs(path, os.path.abspath(out)):
            if name is None:
                return None
            with open(name, "rb") as file:
                raw = file.read()
            made.update(f"{name}\0{len(raw)}\0".encode("utf-8", "surrogateescape"))
            made.update(raw)
    return made.hexdigest()


def covers(paths: Iterable[str], names: Iterable[str]) -> bool:
    """Whether all files that were read lie at or below the paths, as `inputs` reads them."""
    files = {os.path.abspath(path) for path in paths}
    folders = tuple(os.path.join(path, "") for path in files)
    return all((path := os.path.abspath(name)) in files or path.startswith(folders) for name in names)


def settled(out: str, marks: Mapping[str, str], owned: Iterable[str]) -> frozenset[str]:
    """Folders of outputs that hold what is compiled for them now, and nothing else, as the last such command left them; and folders
    of `owned` for which there is nothing, here and there. `marks` tell what is compiled for a folder.
    """
    try:
        stamp = json.loads((_asked[0].store.get(_asked[0].name) if _asked else None) or b"null")
        if stamp is None or stamp["out"] != out:
            return frozenset()
        kept, written = stamp["outputs"], stamp["time"]
        found = _outputs(out, sorted({folder.partition("/")[0] for folder in (*marks, *owned)}))
        same = {folder for folder, (digest, newest, _) in found.items()
                if folder in kept and newest <= written - _STEP and digest == kept[folder][0]
                and kept[folder][3] and kept[folder][3] == marks.get(folder)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return frozenset()
    return frozenset({*same, *(folder for folder in owned if folder not in found and folder not in marks
                               and not os.path.lexists(os.path.join(out, folder)))})


def keep(before: str | None, given: tuple[Sequence[str], str], tree: Mapping[str, bytes], marks: Mapping[str, str],
         said: tuple[str, str]) -> None:
    """Keep a stamp of the command that ends well now. `before` is the digest of its inputs from before it read them.

    `given` are its paths and its output folder, `tree` is what it wrote there, told by folder in `marks`; `said` went to stderr
    and stdout.
    """
    if not _asked or before is None:
        return
    one, (paths, out) = _asked[0], given
    now = time.time_ns()
    try:
        if inputs(paths, out) != before or build.signature()[1] > one.began - _STEP:
            return
        found = {}
        environments = sorted({path.partition("/")[0] for path in tree})
        here = _folders(tree)
        for folder, (digest, newest, names) in _outputs(out, environments).items():
            recent = newest > one.began - _STEP
            # What was put there a moment ago may have been changed since, with nothing to tell it by later.
            if recent and not (folder in here and _is_compiled(out, folder, here[folder], tree)):
                return
            mark = marks.get(folder, "") if set(names) == set(here.get(folder, ())) else ""
            found[folder] = (digest, newest, _content(out, folder) if recent else "", mark)
    except OSError:
        return
    stamp = {"time": now, "inputs": before, "paths": list(paths), "out": out, "environments": environments, "outputs": found,
             "stderr": said[0], "stdout": said[1]}
    one.store.put(one.name, json.dumps(stamp, separators=(",", ":")).encode())


def _command(words: Sequence[str]) -> Asked | None:
    """The command, if it is one whose stamp may be kept."""
    if list(words[:1]) != ["compile"] or any(one in _NEVER for one in words) or any(one.startswith("_OBSC") for one in os.environ):
        return None
    folder = home(_said(words))
    if folder is None:
        return None
    streams = [f"{stream.encoding}{stream.isatty()}" for stream in (sys.stdout, sys.stderr)]
    known = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith("OBSC_") or name == "NO_COLOR"]
    try:
        name = key(_FORM, os.getcwd(), build.signature()[0], build.libraries(), str(len(words)), *words, *streams, *known)
    except OSError:
        return None
    return Asked(name, Store(folder), time.time_ns())


def _said(words: Sequence[str]) -> str | None:
    """The folder that the command names for what is kept."""
    found = None
    for index, word in enumerate(words):
        if word == "--cache":
            found = words[index + 1] if index + 1 < len(words) else ""
        elif word.startswith("--cache="):
            found = word.partition("=")[2]
    return found


def _as_left(stamp: dict[str, object], one: Asked) -> bool:
    paths, out, environments, outputs, written = (stamp[name] for name in ("paths", "out", "environments", "outputs", "time"))
    if not (isinstance(paths, list) and isinstance(out, str) and isinstance(environments, list) and isinstance(outputs, dict)
            and isinstance(written, int)):
        return False
    if any(os.path.lexists(os.path.join(out, name)) for name in _UNFINISHED) or inputs(paths, out) != stamp["inputs"]:
        return False
    found = _outputs(out, environments)
    if found.keys() != outputs.keys():
        return False
    fresh = {}
    for folder, (digest, newest, _) in found.items():
        old, _, content, mark = outputs[folder]
        if (digest != old or newest > written - _STEP) and (not content or _content(out, folder) != content):
            return False
        fresh[folder] = (digest, newest, content, mark)
    if any(newest > written - _STEP for _, newest, _ in found.values()):
        one.store.put(one.name, json.dumps({**stamp, "time": one.began, "outputs": fresh}, separators=(",", ":")).encode())
    return True


def _inputs(path: str, out: str) -> Iterator[str | None]:
    """Every file that may be a spec, in a fixed order; None for a link, and for what is neither file nor folder."""
    kind = stat.S_IFMT(os.lstat(path).st_mode)
    if kind == stat.S_IFREG:
        yield path
    elif kind == stat.S_IFDIR:
        pending = [path]
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in sorted(entries, key=lambda one: one.name):
                    if entry.is_symlink():
                        yield None
                    elif entry.is_dir():
                        if not entry.name.startswith(".") and os.path.abspath(entry.path) != out:
                            pending.append(entry.path)
                    elif entry.name == _LIST or (entry.name.lower().endswith(_KINDS) and not entry.name.startswith(".")):
                        yield entry.path
    else:
        yield None


def _outputs(out: str, environments: Sequence[str]) -> Outputs:
    """Every folder of outputs, relative to theirs."""
    found: Outputs = {}
    pending = [f"{one}/{area}" for one in environments for area in _AREAS
               if not os.path.islink(os.path.join(out, one)) and not os.path.islink(os.path.join(out, one, area))]
    while pending:
        folder = pending.pop()
        made, newest, names = hashlib.sha256(), 0, list[str]()
        try:
            entries = os.scandir(os.path.join(out, folder))
        except FileNotFoundError:
            continue
        with entries:
            for entry in sorted(entries, key=lambda one: one.name):
                names.append(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    pending.append(f"{folder}/{entry.name}")
                    made.update(f"{entry.name}/\0".encode("utf-8", "surrogateescape"))
                    continue
                one = entry.stat(follow_symlinks=False)
                made.update(f"{entry.name}\0{one.st_mode}:{one.st_size}:{one.st_mtime_ns}:{one.st_ctime_ns}:{one.st_ino}\0".encode(
                    "utf-8", "surrogateescape"))
                newest = max(newest, one.st_ctime_ns)
        found[folder] = (made.hexdigest(), newest, tuple(names))
    return found


def _content(out: str, folder: str) -> str:
    """A digest of the names and the content of what lies in a folder; "" if it is not all plain files and folders."""
    made, home_ = hashlib.sha256(), os.path.join(out, folder)
    for name in sorted(os.listdir(home_)):
        path = os.path.join(home_, name)
        kind = stat.S_IFMT(os.lstat(path).st_mode)
        if kind == stat.S_IFDIR:
            made.update(f"{name}/\0".encode("utf-8", "surrogateescape"))
            continue
        if kind != stat.S_IFREG:
            return ""
        with open(path, "rb") as file:
            raw = file.read()
        made.update(f"{name}\0{len(raw)}\0".encode("utf-8", "surrogateescape"))
        made.update(raw)
    return made.hexdigest()


def _folders(tree: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in tree:
        folder, _, name = path.rpartition("/")
        found.setdefault(folder, []).append(name)
    return found


def _is_compiled(out: str, folder: str, names: Iterable[str], tree: Mapping[str, bytes]) -> bool:
    """Whether what was compiled for a folder lies in it."""
    for name in names:
        with open(os.path.join(out, folder, name), "rb") as file:
            if file.read() != tree[f"{folder}/{name}"]:
                return False
    return True
