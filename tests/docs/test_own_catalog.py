"""The page on entries of one's own: its files compile as they stand there, and its commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from obsc import cli

PAGE = (Path(__file__).parents[2] / "docs/own-catalog.md").read_text("utf-8")
FILES = {match[1]: match[2] for match in re.finditer(r"^```yaml\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)}
[CONSOLE] = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = [line.removeprefix("$ obsc ") for line in CONSOLE.splitlines() if line.startswith("$ obsc ")]
SCRAPE = """\
# TYPE reranker_requests_total counter
reranker_requests_total{model="m",replica="0",status="200"} 3
# TYPE reranker_request_seconds histogram
""" + "".join(f'reranker_request_seconds_bucket{{model="m",replica="0",le="{bound}"}} 1\n' for bound in (0.01, 0.05, 0.1, 0.5, 1, 5, "+Inf")) + """\
reranker_request_seconds_sum{model="m",replica="0"} 1
reranker_request_seconds_count{model="m",replica="0"} 1
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "page.prom").write_text(SCRAPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_its_files_compile_without_a_word(place: Path) -> None:
    assert set(FILES) == {"platform.yaml", "chat.yaml", "catalog/reranker.yaml", "catalog/kinds.yaml"}
    said = CliRunner(catch_exceptions=False).invoke(cli.main, ["compile", ".", "--strict"])
    assert (said.exit_code, said.stderr) == (0, "")
    rules = (place / "out/default/artifacts/search/search-reranker/rules.yaml").read_text()
    assert "reranker_request_seconds_bucket" in rules
    assert "reranker_latency_seconds" not in rules
    (place / "chat.yaml").write_text(FILES["chat.yaml"] + "workload: {kind: Rollout.argoproj.io}\n")
    said = CliRunner(catch_exceptions=False).invoke(cli.main, ["compile", ".", "--strict"])
    assert (said.exit_code, said.stderr) == (0, "")
    assert "rollout_spec_replicas" in (place / "out/default/artifacts/search/search-reranker/rules.yaml").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_its_commands_run(place: Path, command: str) -> None:
    said = CliRunner(catch_exceptions=False).invoke(cli.main, shlex.split(command))
    assert (said.exit_code, said.stderr) == (0, "")
    assert command.startswith("validate") or "reranker_re" in said.stdout or "metrics of the entry" in said.stdout
