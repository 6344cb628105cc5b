"""The reference pages of docs/, made from the code: `python -m tools.docs` writes them, with `--check` it says which are stale.

One module makes one page, as a text; nothing in it depends on where or when it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from . import alerts, catalog, commands, diagnostics, language, runtimes

DOCS = Path(__file__).parents[2] / "docs"
PAGES: dict[str, Callable[[], str]] = {
    "alerts.md": alerts.page, "catalog.md": catalog.page, "cli.md": commands.page, "diagnostics.md": diagnostics.page,
    "language.md": language.page, "runtimes.md": runtimes.page,
}


def main(arguments: list[str]) -> int:
    """Write the pages; with `--check` write nothing and exit with 3 if one differs."""
    made = {DOCS / name: page() for name, page in PAGES.items()}
    stale = [path for path, text in made.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        print(f"{'stale' if '--check' in arguments else 'written'}: docs/{path.name}")
        if "--check" not in arguments:
            path.write_text(made[path], "utf-8")
    return 3 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
