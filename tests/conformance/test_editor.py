"""What an editor shows by the published schemas, through the language server that VS Code and Neovim use."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import checks, tools
from conformance.language_server import LanguageServer, language_server
from conformance.records import Consumers
from obsc.schema import FILES

ROOT = Path(__file__).parents[2]
SPECS = {path.name: path for path in sorted((ROOT / "specs").rglob("*.yaml"))}
# Nothing is asked of the network: the schemas are those that a text names.
SETTINGS = {"yaml": {"schemaStore": {"enable": False}, "validate": True, "completion": True, "hover": True}}
CURSOR = "¦"
SERVICE = "apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata: {name: chat, namespace: ai, team: chat}\n"
PLATFORM = "apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: prod}\n"
Open = Callable[[str, str], tuple[LanguageServer, str, tuple[int, int]]]


@pytest.fixture(scope="module")
def server(tool: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """A running server, for all texts of this module."""
    program = tool(tools.LANGUAGE_SERVER) / "node_modules/yaml-language-server/bin/yaml-language-server"
    home = tmp_path_factory.mktemp("editor")
    with language_server(["node", program, "--stdio"], home, SETTINGS) as running:
        yield running


@pytest.fixture
def edit(server: LanguageServer, tmp_path: Path) -> Open:
    """Open a text that names a schema in its first line; gives where its cursor is."""

    def opened(name: str, text: str) -> tuple[LanguageServer, str, tuple[int, int]]:
        whole = f"# yaml-language-server: $schema={(ROOT / 'schemas' / FILES[name]).as_uri()}\n{text}"
        before = whole.partition(CURSOR)[0]
        uri = server.open(tmp_path / "spec.yaml", whole.replace(CURSOR, ""))
        return server, uri, (before.count("\n"), len(before) - before.rfind("\n") - 1)

    return opened


def documentation(item: dict[str, Any]) -> str:
    """The text that an editor shows beside a proposal."""
    said = item.get("documentation", "")
    return str(said["value"] if isinstance(said, dict) else said)


COMPLETIONS = {
    "keys of a service": ("aiservice", SERVICE + CURSOR, {
        "runtime": "What serves the model", "models": "Models that it serves", "environments": "Environments where the service exists"}),
    "keys of its runtime": ("aiservice", SERVICE + f"runtime:\n  name: vllm\n  {CURSOR}", {
        "version": "Release of the program", "options": "Flags that the deployment sets"}),
    "kinds of a workload": ("aiservice", SERVICE + f"workload:\n  kind: {CURSOR}", {"Deployment": "Kind of the object", "None": "somebody else"}),
    "values of an alert": ("aiservice", SERVICE + f"alerts:\n  rules:\n    HighErrorRate:\n      {CURSOR}", {
        "threshold": "When it is bad", "for": "How long it must last", "keepFiringFor": "after it is over"}),
    "keys of an item": ("aiservice", SERVICE + f"metrics:\n  series:\n    - name: a\n      {CURSOR}", {"type": "Type", "unit": "Unit of its values"}),
    "keys of an overlay": ("aiservice", SERVICE + f"environments:\n  prod:\n    {CURSOR}", {"workload": "What runs it", "traces": "Traces"}),
    "keys of a platform": ("aiplatform", PLATFORM + CURSOR, {"prometheus": "Metrics", "policy": "What specs may point at"}),
    "keys of its Prometheus": ("aiplatform", PLATFORM + f"prometheus:\n  {CURSOR}", {"scrapeInterval": "Time between scrapes", "flavor": "Form of the output"}),
    "keys of its defaults": ("aiplatform", PLATFORM + f"defaults:\n  logs:\n    {CURSOR}", {"format": "Form of the lines", "redact": "private values"}),
    "keys of a profile": ("aiplatform", PLATFORM + f"profiles:\n  gpu:\n    {CURSOR}", {"accelerators": "Accelerators of a pod"}),
    "keys of a catalog's metric": ("catalog", f"metrics:\n  - name: a\n    {CURSOR}", {"help": "What it counts or shows", "unit": "Unit"}),
}
NEVER = {"an overlay": ("aiservice", SERVICE + f"environments:\n  prod:\n    {CURSOR}", {"kind", "apiVersion", "environments"}),
         "a profile": ("aiplatform", PLATFORM + f"profiles:\n  gpu:\n    {CURSOR}", {"profile", "kind", "components"}),
         "a service": ("aiservice", SERVICE + CURSOR, {"baselines", "cost", "kind"})}


@pytest.mark.parametrize(("name", "text", "expected"), COMPLETIONS.values(), ids=COMPLETIONS)
def test_keys_and_values_are_proposed_with_what_they_mean(edit: Open, name: str, text: str, expected: dict[str, str]) -> None:
    server, uri, place = edit(name, text)
    proposed = {item["label"]: documentation(item) for item in server.about("completion", uri, place)["items"]}
    assert {label: words in proposed.get(label, "") for label, words in expected.items()} == dict.fromkeys(expected, True), proposed


@pytest.mark.parametrize(("name", "text", "words"), NEVER.values(), ids=NEVER)
def test_what_cannot_stand_there_is_not_proposed(edit: Open, name: str, text: str, words: set[str]) -> None:
    server, uri, place = edit(name, text)
    proposed = {item["label"] for item in server.about("completion", uri, place)["items"]}
    assert len(proposed) > 3
    assert proposed & words == set()


def test_a_proposal_is_the_example_in_place(edit: Open) -> None:
    server, uri, place = edit("aiservice", SERVICE + f"workload:\n  {CURSOR}")
    proposed = {item["label"]: item["insertText"] for item in server.about("completion", uri, place)["items"]}
    assert proposed["startup"] == "startup: ${1:10m}"


HOVERS = {
    "a block": ("aiservice", SERVICE + f"run{CURSOR}time: {{name: vllm}}\n", "The serving program and the release of it"),
    "a value": ("aiservice", SERVICE + f"workload:\n  star{CURSOR}tup: 10m\n", "Longest time from a container's start"),
    "a value of an alert": ("aiservice", SERVICE + f"alerts:\n  rules:\n    GPUHot:\n      fo{CURSOR}r: 5m\n", "How long it must last"),
    "a platform": ("aiplatform", PLATFORM + f"policy:\n  allow{CURSOR}Insecure: true\n", "Allow plain http to backends"),
}


@pytest.mark.parametrize(("name", "text", "words"), HOVERS.values(), ids=HOVERS)
def test_a_key_under_the_pointer_is_explained(edit: Open, name: str, text: str, words: str) -> None:
    server, uri, place = edit(name, text)
    assert words in server.about("hover", uri, place)["contents"]["value"]


WRONG = {
    "an unknown key": ("aiservice", SERVICE + f"runtime:\n  {CURSOR}verson: '0.15'\n", "Property verson is not allowed"),
    "a lost unit": ("aiservice", SERVICE + f"workload:\n  startup: {CURSOR}10\n", "expected a duration with a unit"),
    "a whole percentage": ("aiservice", SERVICE + f"traces: {{sampling: {{baseline: {CURSOR}100%}}}}\n", "expected a percentage such as"),
    "a value that there is not": ("aiservice", SERVICE + f"logs:\n  format: {CURSOR}xml\n", "expected one of `auto`"),
    "a name in an overlay": ("aiservice", SERVICE + f"environments:\n  prod:\n    metadata:\n      {CURSOR}name: a\n", "Property name is not allowed"),
    "a wrong alert": ("aiservice", SERVICE + f"alerts:\n  rules:\n    {CURSOR}gpuHot: {{}}\n", "expected an alert's name"),
    "a reserved word": ("aiplatform", PLATFORM + f"collector: {{version: 0.159.0, {CURSOR}kafka: {{}}}}\n", "Property kafka is not allowed"),
}


@pytest.mark.parametrize(("name", "text", "words"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_underlined_in_words(edit: Open, consumers: Consumers, name: str, text: str, words: str) -> None:
    server, uri, (line, column) = edit(name, text)
    found = server.findings(uri)
    assert [(one["range"]["start"], words in one["message"]) for one in found] == [({"line": line, "character": column}, True)], found
    consumers.record(tools.LANGUAGE_SERVER, tools.version(tools.LANGUAGE_SERVER), 0, found[0]["message"])


@pytest.mark.parametrize("file", SPECS.values(), ids=SPECS)
def test_shipped_specifications_have_no_mistake(edit: Open, consumers: Consumers, file: Path) -> None:
    text = file.read_text()
    server, uri, _ = edit("aiplatform" if "kind: AIPlatform" in text else "aiservice", text)
    assert server.findings(uri) == []
    consumers.record(tools.LANGUAGE_SERVER, tools.version(tools.LANGUAGE_SERVER), 1)


def test_every_pattern_is_one_in_javascript(tool: Callable[[str], Path], tmp_path: Path) -> None:
    tool(tools.LANGUAGE_SERVER)  # there is a Node.js where there is this
    script = tmp_path / "patterns.js"
    script.write_text("""
        let count = 0;
        const see = (key, value) => (key === "pattern" && typeof value === "string" && new RegExp(value, "u") && count++, value);
        for (const file of process.argv.slice(2)) JSON.parse(require("fs").readFileSync(file, "utf8"), see);
        console.log(JSON.stringify({count}));
    """)
    verdict = checks.run("node", script, *(ROOT / "schemas" / file for file in FILES.values()))
    verdict.require()
    assert json.loads(verdict.output)["count"] > 100
