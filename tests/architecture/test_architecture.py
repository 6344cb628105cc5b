"""The rules of the house that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from obsc.catalog import names
from obsc.codes import CODES

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "compiler" / "obsc"
SOURCES = sorted(PACKAGE.rglob("*.py"))
TARGETS = sorted((PACKAGE / "targets").glob("*.py"))
HEAVY = ("grafanalib", "pydantic", "ruamel", "jsonschema", "kubernetes_validate", "promql_parser")
TOOLS = ("grafana", "prometheus", "alertmanager", "filebeat", "beats", "otel", "opentelemetry", "collector", "jaeger",
         "elasticsearch", "kibana", "kustomize", "yaml", "kubernetes", "promtool")


def test_imports_point_one_way() -> None:
    done = subprocess.run([Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("statement", ["import obsc.cli", "import obsc.__main__"])
def test_starting_the_command_line_loads_nothing_heavy(statement: str) -> None:
    code = f"{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_validating_a_spec_loads_neither_dashboards_nor_schemas() -> None:
    code = ("import sys; from obsc.source import load; from obsc.diagnostics import Sink; from obsc.validate import check\n"
            "print([name for name in ('grafanalib', 'jsonschema', 'kubernetes_validate') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_runtime_is_named_outside_the_catalog() -> None:
    # Examples in the language's fields may name one; code may not.
    # … and an entry that is called like a key of the language's `sources` is meant by that.
    known = [name for name in names() if name not in {"custom", "cadvisor"}]
    word = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, known)) + r")(?![\w-])")
    found = [f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
             for path in SOURCES if "spec" not in path.parts and "catalog" not in path.parts
             for number, line in enumerate(path.read_text().splitlines(), 1) if word.search(_code(line))]
    assert found == []


def _code(line: str) -> str:
    return line.partition("#")[0]


def test_the_ir_speaks_of_no_tool() -> None:
    text = "".join(path.read_text() for path in sorted((PACKAGE / "ir").glob("*.py"))).lower()
    assert [tool for tool in TOOLS if re.search(rf"\b{tool}", text)] == []


@pytest.mark.parametrize("path", TARGETS, ids=lambda path: path.stem)
def test_targets_build_no_strings(path: Path) -> None:
    found = [f"{path.name}:{node.lineno}: {what}" for node, what in _formatting(ast.parse(path.read_text()))]
    assert found == []


def _formatting(tree: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node, "an f-string"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod) and any(map(_is_text, (node.left, node.right))):
            yield node, "a string put together with an operator"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _builds(node.func):
            yield node, f"a string put together with .{node.func.attr}"


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _builds(function: ast.Attribute) -> bool:
    return function.attr in {"format", "format_map"} or (function.attr == "join" and _is_text(function.value))


def test_the_check_for_string_building_catches_each_form() -> None:
    for bad in ("f'a{b}'", "'a' + b", "'a%s' % b", "'{}'.format(b)", "', '.join(b)"):
        assert list(_formatting(ast.parse(bad))), bad


def test_files_and_functions_stay_small() -> None:
    long_files = [f"{path.relative_to(ROOT)}: {count}" for path in SOURCES
                  if (count := len(path.read_text().splitlines())) > 400]
    long_functions = [f"{path.relative_to(ROOT)}:{node.lineno} {node.name}" for path in SOURCES
                      for node in ast.walk(ast.parse(path.read_text()))
                      if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40]
    assert long_files == []
    assert long_functions == []


def test_every_reported_code_has_a_page_and_every_page_is_reported() -> None:
    used = {code for path in SOURCES if path.name != "codes.py"
            for code in re.findall(r'"([LVRSPTWX]\d{3})"', path.read_text())}
    assert used - set(CODES) == set()
    assert set(CODES) - used == set()


def test_nothing_is_left_undone() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX)\b|NotImplementedError|pragma: no cover|type: ignore")
    found = [f"{path.relative_to(ROOT)}:{number}" for path in SOURCES
             for number, line in enumerate(path.read_text().splitlines(), 1) if left.search(line)]
    assert found == []
