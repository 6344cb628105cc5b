"""Committed parts are untrusted: whoever can change a folder below `out` gains nothing by it that a spec would not give."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from obsc import cli

ROOT = Path(__file__).parents[1]
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: test}
alertmanager:
  receivers: [{name: pager, pagerdutyConfigs: [{routingKey: {name: pagerduty, key: key}}]},
              {name: chat, slackConfigs: [{apiURL: {name: slack, key: url}}]}]
  routing: {critical: [pager], warning: [chat]}
filebeat: {version: 9.5.2}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}
collector: {version: 0.159.0}
jaeger: {endpoint: "jaeger.example.svc:4317"}
"""
SERVICE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: NAME, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
"""
SECRET = "root:x:0:0"
HOME = "out/test/artifacts/ai/chat"
PLATFORM_FOLDERS = ("out/test/artifacts/platform", "out/test/manifests/platform")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a platform, the services chat and rank, and what they compile to; the tests run in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/platform.yaml").write_text(PLATFORM)
    for name in ("chat", "rank"):
        (tmp_path / f"specs/{name}.yaml").write_text(SERVICE.replace("NAME", name))
    (tmp_path / "passwd").write_text(SECRET)
    assert obsc("compile").exit_code == 0
    return tmp_path


def obsc(*arguments: str) -> Result:
    return CliRunner(catch_exceptions=False).invoke(cli.main, arguments)


def tree(folder: str) -> dict[str, bytes]:
    return {path.as_posix(): path.read_bytes() for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink()}


def platform() -> dict[str, bytes]:
    return {path: raw for folder in PLATFORM_FOLDERS for path, raw in tree(folder).items()}


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    text = path.read_text()
    assert change(text) != text
    path.write_text(change(text))


def _link(name: str) -> Callable[[Path], None]:
    def harm(home: Path) -> None:
        (home / name).unlink()
        (home / name).symlink_to(home.parents[4] / "passwd")
    return harm


def _pipe(name: str) -> Callable[[Path], None]:
    def harm(home: Path) -> None:
        (home / name).unlink()
        os.mkfifo(home / name)
    return harm


def _moved(home: Path) -> None:
    home.rename(home.parents[4] / "elsewhere")
    home.symlink_to(home.parents[4] / "elsewhere")


def _folder(home: Path) -> None:
    (home / "part.json").unlink()
    (home / "part.json").mkdir()


def _text(name: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda home: rewrite(home / name, lambda text: text.replace(old, new))


def _end(name: str, more: str) -> Callable[[Path], None]:
    return lambda home: rewrite(home / name, lambda text: text + more)


def _part(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def harm(home: Path) -> None:
        data = json.loads((home / "part.json").read_text())
        change(data)
        (home / "part.json").write_text(json.dumps(data))
    return harm


# What somebody did to the folder of chat, and a piece of what is said about it.
HARMS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link to a file of the machine": (_link("rules.yaml"), "no plain file"),
    "a part that is a link": (_link("part.json"), "no plain file"),
    "a part that is a pipe": (_pipe("part.json"), "no plain file"),
    "a text that is a pipe": (_pipe("filebeat.yaml"), "no plain file"),
    "a part that is a folder": (_folder, "no plain file"),
    "a folder that is a link": (_moved, "leads out"),
    "a text that is gone": (lambda home: (home / "scrape.yaml").unlink(), "No such file"),
    "a text without end": (_end("rules.yaml", "#" * (2 << 20)), "more than 2 MiB"),
    "no UTF-8": (lambda home: (home / "rules.yaml").write_bytes(b"\xff"), "not UTF-8"),
    "marks of a merge": (_end("part.json", "<<<<<<< HEAD\n"), "cannot be read"),
    "marks of a merge in a text": (_end("rules.yaml", "<<<<<<< HEAD\n"), "form"),
    "brackets without end": (lambda home: (home / "part.json").write_text("[" * 100_000), "cannot be read"),
    "a dashboard of brackets": (lambda home: (home / "dashboard.json").write_text("[" * 100_000), "form"),
    "the name of another service": (_part(lambda data: data["identity"].update(name="rank")), "whose folder this is not"),  # type: ignore[attr-defined]
    "the environment of another platform": (_part(lambda data: data["identity"].update(environment="prod")), "not the platform's"),  # type: ignore[attr-defined]
    "the scrape job of another": (_part(lambda data: data["jobs"].append("ai/rank/default")), "not of this service"),  # type: ignore[attr-defined]
    "the log input of another": (_part(lambda data: data["logs"].append("test.ai.rank")), "not of this service"),  # type: ignore[attr-defined]
    "the traces of another": (_part(lambda data: data["traces"].update(services=["rank"])), "not of this service"),  # type: ignore[attr-defined]
    "no number": (lambda home: rewrite(home / "part.json", lambda text: text.replace("0.05", "1e999")), "cannot be read"),
    "a path for a text": (_part(lambda data: data["files"].append("../rank/rules.yaml")), "cannot be read"),  # type: ignore[attr-defined]
    "any address for a target": (_text("scrape.yaml", '"$1:8000"', '"169.254.169.254:80"'), "changes `__address__`"),
    "a static target": (_text("scrape.yaml", "    relabel_configs:", "    static_configs: [{targets: ['169.254.169.254:80']}]\n    relabel_configs:"),
                        "link-local"),
    "another scheme for a target": (_text("scrape.yaml", "      - target_label: job",
                                          "      - {target_label: __scheme__, replacement: https}\n      - target_label: job"), "__scheme__"),
    "targets of another namespace": (_text("scrape.yaml", "            - ai\n", "            - kube-system\n"), "its own namespace"),
    "a proxy": (_text("scrape.yaml", "    scheme: http\n", "    scheme: http\n    proxy_url: http://evil.example.com\n"), "proxy_url"),
    "targets from a file": (_text("scrape.yaml", "    scheme: http\n", "    scheme: http\n    file_sd_configs: [{files: [/etc/x.yaml]}]\n"), "file_sd"),
    "a secret of the machine": (_text("scrape.yaml", "    scheme: http\n", "    scheme: http\n    authorization: {credentials_file: "
                                      "/var/run/secrets/kubernetes.io/serviceaccount/token}\n"), "mounted Secret"),
    "series of another service": (_text("scrape.yaml", "replacement: chat\n", "replacement: rank\n"), "not labelled"),
    "another job": (_text("scrape.yaml", "ai/chat/default", "ai/rank/default"), "other jobs"),
    "logs of the machine": (_text("filebeat.yaml", "/var/log/containers/*_ai_*.log", "/etc/shadow"), "is not in"),
    "variables of the shipper": (_text("filebeat.yaml", "name: chat\n", 'name: "${ES_API_KEY}"\n'), "expands"),
    "no masks": (_text("filebeat.yaml", "            - secret\n", ""), "masks less"),
    "another kind of input": (_text("filebeat.yaml", "type: filestream", "type: httpjson"), "httpjson"),
    "no PromQL": (_text("rules.yaml", 'expr: "vector(1)"', 'expr: "vector("'), "not PromQL"),
    "an expression without end": (_text("rules.yaml", 'expr: "vector(1)"', f'expr: "{"(" * 20_000}"'), "not PromQL"),
    "alerts of another service": (_text("rules.yaml", "service: chat", "service: rank"), "speaks for another"),
    "alerts of another team": (_text("rules.yaml", "team: chat", "team: platform"), "speaks for another"),
    "the page of another": (_text("dashboard.json", '"uid": "chat-', '"uid": "rank-'), "another uid"),
}


@pytest.mark.parametrize(("harm", "said"), HARMS.values(), ids=HARMS.keys())
def test_a_part_that_was_tampered_with_is_told_and_linked_by_nobody(place: Path, harm: Callable[[Path], None], said: str) -> None:
    before = platform()
    harm(place / HOME)
    (place / "specs/chat.yaml").unlink()
    for command in (("link", "out/test/artifacts", "--platform", "specs/platform.yaml"), ("compile",)):
        result = obsc(*command)
        assert result.exit_code == 1, command
        assert said in result.stderr, command
        assert HOME in result.stderr, command
        assert len(result.stderr) < 3000, command
        assert platform() == before, command
    assert SECRET not in str(tree("out"))


def test_a_part_says_not_who_is_told_of_a_team(place: Path) -> None:
    before = platform()
    _part(lambda data: [one.update(receivers=[]) for one in data["routes"]])(place / HOME)  # type: ignore[attr-defined]
    assert obsc("link", "out/test/artifacts", "--platform", "specs/platform.yaml").exit_code == 0
    assert platform() == before


def test_other_services_are_compiled_whatever_a_committed_part_says(place: Path) -> None:
    (place / "specs/chat.yaml").unlink()
    (place / HOME / "part.json").write_text("{")
    with (place / "specs/rank.yaml").open("a") as file:
        file.write("metrics: {endpoints: [{port: 9000}]}\n")
    assert obsc("compile").exit_code == 1
    assert b":9000" in tree("out/test/artifacts/ai/rank")["out/test/artifacts/ai/rank/scrape.yaml"]


def test_parts_below_another_folder_of_that_name_are_linked_with_their_objects(place: Path) -> None:
    with (place / "specs/platform.yaml").open("a") as file:
        file.write("prometheus: {flavor: operator}\n")
    assert obsc("compile").exit_code == 0
    before = tree("out/test")
    shutil.move(place / "out", place / "artifacts")
    result = obsc("link", "artifacts/test/artifacts", "--platform", "specs/platform.yaml", "--out", "artifacts", "--check")
    assert (result.exit_code, result.stderr) == (0, "")
    assert b"- ai/chat\n" in before["out/test/manifests/kustomization.yaml"]


@pytest.mark.parametrize("case", [*sorted(path.name for path in (ROOT / "tests/golden/cases").iterdir()), "specs"])
def test_what_the_compiler_wrote_is_taken(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = ROOT / "specs" if case == "specs" else ROOT / "tests/golden/cases" / case
    monkeypatch.chdir(tmp_path)
    assert obsc("compile", str(specs)).exit_code == 0
    for environment in Path("out").iterdir():
        result = obsc("link", str(environment / "artifacts"), "--platform", str(specs), "--env", environment.name, "--check")
        assert result.exit_code == 0, result.stderr


def test_a_part_reaches_no_namespace_where_its_team_may_run_nothing(place: Path) -> None:
    rewrite(place / "specs/platform.yaml", lambda text: text.replace("filebeat:", "  teams: {chat: {namespaces: [ai]}}\nfilebeat:", 1))
    assert obsc("compile").exit_code == 0
    before = platform()
    _part(lambda data: data.update(namespaces=["ai", "kube-system"]))(place / HOME)
    result = obsc("link", "out/test/artifacts", "--platform", "specs/platform.yaml")
    assert result.exit_code == 1
    assert "team `chat` may not run services in `kube-system`" in result.stderr
    assert platform() == before
