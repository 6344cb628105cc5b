"""What docs/classic.md shows of compiled files is in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/classic.md").read_text()
EXCERPTS = re.findall(r"^<!-- from (\S+) -->\n```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("file", "excerpt"), EXCERPTS, ids=[file for file, _ in EXCERPTS])
def test_an_excerpt_is_in_its_file(file: str, excerpt: str) -> None:
    rest = (ROOT / file).read_text()
    for piece in excerpt.split("…\n"):
        _, found, rest = rest.partition(piece)
        assert found, f"not in {file}, or not in this order:\n{piece}"


def test_each_piece_has_a_replacement() -> None:
    assert len(EXCERPTS) == len(re.findall(r"^## ", PAGE, re.MULTILINE)) == 6
