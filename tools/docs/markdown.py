"""What all pages share: tables, anchors, and the line that says who makes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- Made by `make docs` from the code: change it there. -->"


def cell(text: str) -> str:
    """A text in a table: one line, and no bar that ends the cell."""
    return " ".join(text.replace("|", "\\|").split())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; nothing without rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]) + "\n" if lines else ""


def code(text: str) -> str:
    """A text as code; where it holds backticks, between more of them."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def listed(words: Iterable[str]) -> str:
    """Words as code, with commas."""
    return ", ".join(map(code, words))
