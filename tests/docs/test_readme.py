"""The README's commands do what it says they do. `python tests/docs/test_readme.py` writes their output into it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_commands_print_what_is_shown(tmp_path: Path) -> None:
    text = README.read_text()
    assert BLOCK.search(text)
    assert _replayed(text, tmp_path) == text


def test_make_commands_are_targets_of_the_makefile() -> None:
    named = set(re.findall(r"\bmake ([a-z]+)\b", README.read_text()))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"compile", "test", "conformance"} <= named <= targets


def test_the_spec_that_is_shown_is_the_one_that_is_shipped() -> None:
    [shown] = re.findall(r"^```yaml\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert shown == (ROOT / "specs/support-chat.yaml").read_text()


def test_linked_files_are_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README.read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def _replayed(text: str, folder: Path) -> str:
    """The text with the output that its commands have now, in a folder that has copies of the specs."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    return BLOCK.sub(lambda block: f"```console\n{_session(block[1], folder)}```", text)


def _session(block: str, folder: Path) -> str:
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output(command, folder)}" for command in commands)


def _output(command: str, folder: Path) -> str:
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "LC_ALL": "C.UTF-8", "NO_COLOR": "1"}
    done = subprocess.run(["sh", "-c", command], cwd=folder, env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode in {0, 1}, done.stdout
    return done.stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        README.write_text(_replayed(README.read_text(), Path(place)))
