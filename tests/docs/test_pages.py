"""The reference pages are what the code says, and every link of the documentation leads somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from obsc.catalog import names
from obsc.codes import CODES
from obsc.rules.alerts import ALERTS
from obsc.spec.base import NONE, Block
from obsc.spec.reflect import fields, site

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = {"alerts.md", "catalog.md", "cli.md", "diagnostics.md", "language.md", "runtimes.md"}
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


@pytest.mark.parametrize("seed", ["0", "1"])
def test_reference_pages_are_fresh(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": "C.UTF-8"}
    done = subprocess.run([sys.executable, "-m", "tools.docs", "--check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run `make docs`:\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize(("page", "words"), [
    ("diagnostics.md", CODES), ("catalog.md", names()), ("alerts.md", ALERTS),
], ids=["diagnostics", "catalog", "alerts"])
def test_a_page_has_a_section_for_each(page: str, words: dict[str, object]) -> None:
    headings = {heading.partition(":")[0] for heading in _HEADING.findall(_prose(ROOT / "docs" / page))}
    assert [word for word in words if word not in headings] == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {target.partition("#")[0] for target in _LINK.findall((ROOT / "README.md").read_text())}
    assert {f"docs/{name}" for name in REFERENCE} <= linked
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"docs/{path.name}" not in linked] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    dead = []
    for target in _LINK.findall(_prose(page)):
        if target.startswith(("https://", "http://")):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        if not found.exists() or (anchor and anchor not in _anchors(found)):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in REFERENCE], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_are_named_are_there(page: Path) -> None:
    named = re.findall(r"`([A-Za-z.][\w.-]*/[\w./-]*)`", page.read_text("utf-8"))
    places = (ROOT, ROOT / "compiler/obsc", ROOT / "docs", ROOT / "out/default")
    assert [path for path in named if not path.startswith("obsc.dev/") and not any((place / path).exists() for place in places)] == []


def test_every_module_has_its_place_in_the_architecture() -> None:
    package = ROOT / "compiler/obsc"
    modules = {path.stem for path in package.glob("*.py") if not path.stem.startswith("__")}
    packages = {path.parent.name for path in package.glob("*/__init__.py")}
    named = set(re.findall(r"`([a-z0-9_]+)/?`", (ROOT / "docs/architecture.md").read_text("utf-8")))
    assert sorted((modules | packages) - named) == []


def test_bare_numbers_say_their_unit() -> None:
    """Save those that have none: ports, and numbers in lists whose unit their series or metric has."""
    found = [f"{block.__name__}.{key}" for block in _blocks(Block) for key in fields(block)
             if site(block, (key,)).accepts <= {int, float} and fields(block)[key].json_schema_extra == {"unit": NONE}]
    assert found == []


def _prose(page: Path) -> str:
    """A page without blocks of code, which may hold what looks like links and headings."""
    return re.sub(r"^(`{3,}).*?^\1$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def _anchors(page: Path) -> set[str]:
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in _HEADING.findall(_prose(page))}


def _blocks(block: type[Block]) -> list[type[Block]]:
    found = [inner for one in block.__subclasses__() for inner in (one, *_blocks(one))]
    return sorted({one for one in found if one.__module__.startswith("obsc.spec.")}, key=lambda one: one.__name__)
