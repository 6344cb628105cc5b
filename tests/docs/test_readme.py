"""The README's commands do what it says they do. `python tests/docs/test_readme.py` writes their output into it."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where it runs as a program

from docs.console import BLOCK, replayed

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


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
    """The page with what its commands print in a folder that has copies of the specs."""
    shutil.copytree(ROOT / "specs", folder / "specs")
    return replayed(text, folder)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        README.write_text(_replayed(README.read_text(), Path(place)))
