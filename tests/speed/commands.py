"""`obsc` as a process of its own, in a folder with specs; whether it had to load the compiler is seen from what it imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from samples import PLATFORM

SPEC = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {{name: {name}, namespace: ai, team: ml}}
runtime: {{name: vllm, version: "0.15"}}
models: [{{name: llama}}]
"""


class Ran(NamedTuple):
    """How a command ended, and whether it was told by its stamp alone."""

    code: int
    stdout: str
    stderr: str
    at_once: bool


class Place(NamedTuple):
    """A folder with specs, outputs and a cache."""

    home: Path

    @property
    def specs(self) -> Path:
        return self.home / "specs"

    @property
    def out(self) -> Path:
        return self.home / "out"

    def compile(self, *more: str, **environment: str) -> Ran:
        return self.run("compile", "specs", *more, **environment)

    def run(self, *words: str, **environment: str) -> Ran:
        said = {**os.environ, "OBSC_CACHE": str(self.home / "cache"), "PYTHONPROFILEIMPORTTIME": "1", **environment}
        found = subprocess.run([sys.executable, "-m", "obsc", *words], cwd=self.home, env=said, capture_output=True, text=True, check=False)
        lines = found.stderr.splitlines(keepends=True)
        shown = "".join(line for line in lines if not line.startswith("import time:"))
        return Ran(found.returncode, found.stdout, shown, not any("| " in line and line.rstrip().endswith(" pydantic") for line in lines))

    def tree(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.out)): path.read_bytes() for path in self.out.rglob("*") if path.is_file()}


def place(home: Path, *names: str) -> Place:
    """A place with a platform and services."""
    made = Place(home)
    made.specs.mkdir()
    (made.specs / "platform.yaml").write_text(PLATFORM)
    for name in names:
        (made.specs / f"{name}.yaml").write_text(SPEC.format(name=name))
    return made
