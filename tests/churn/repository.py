"""A repository of git with the shipped specs and what they compile to."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from churn.edits import Edit
from obsc import pipeline
from obsc.diagnostics import Severity, Sink
from obsc.source import load

ROOT = Path(__file__).parents[2]
OUT = "out"
_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull, "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com",
             "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.com"}
Texts = Mapping[str, str]


def shipped() -> dict[str, str]:
    """The shipped specs by path."""
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in sorted((ROOT / "specs").rglob("*.yaml"))}


def edited(texts: Texts, edit: Edit) -> dict[str, str]:
    """The specs after an edit."""
    if not edit.old:
        assert edit.file not in texts
        return {**texts, edit.file: edit.new}
    assert texts[edit.file].count(edit.old) == 1, edit
    return {**texts, edit.file: texts[edit.file].replace(edit.old, edit.new)}


def compiled(texts: Texts) -> Mapping[str, bytes]:
    """What specs without an error compile to."""
    return _compiled(tuple(sorted(texts.items())))


@cache
def _compiled(texts: tuple[tuple[str, str], ...]) -> Mapping[str, bytes]:
    sink = Sink()
    tree = pipeline.compile_specs({name: load(name, text.encode(), sink) for name, text in texts}, sink).tree
    assert [one.message for one in sink if one.severity is Severity.ERROR] == []
    return tree


@dataclass(frozen=True)
class Repository:
    """A work tree in which specs and outputs are committed."""

    folder: Path

    def git(self, *arguments: str, fine: tuple[int, ...] = (0,)) -> str:
        """What git prints."""
        done = subprocess.run(["git", *arguments], cwd=self.folder, env={**os.environ, **_SETTINGS}, capture_output=True, text=True, check=False)
        assert done.returncode in fine, done.stdout + done.stderr
        return done.stdout

    def write(self, specs: Texts, tree: Mapping[str, bytes]) -> None:
        """Specs and outputs in place of those that are there."""
        for name in ("specs", OUT):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        files = {name: text.encode() for name, text in specs.items()} | {f"{OUT}/{path}": raw for path, raw in tree.items()}
        for path, raw in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(raw)

    def commit(self, specs: Texts, tree: Mapping[str, bytes]) -> None:
        """Commit specs and outputs on the branch that is out."""
        self.write(specs, tree)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "specs")

    def outputs(self) -> dict[str, bytes]:
        """The outputs in the work tree."""
        home = self.folder / OUT
        return {path.relative_to(home).as_posix(): path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}


def begin(folder: Path) -> Repository:
    """An empty repository with a branch `main`."""
    found = Repository(folder)
    found.git("init", "--quiet", "--initial-branch", "main")
    return found
