"""The command line as a CI job meets it: exit codes, what is written, what is kept, and where findings go."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from obsc import __main__, cli

PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: test}
alertmanager:
  receivers:
    - name: pager
      pagerdutyConfigs: [{routingKey: {name: pagerduty, key: routing-key}}]
  routing: {critical: [pager], warning: [pager]}
"""
SERVICE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: NAME, namespace: ai, team: chat}
runtime: {name: vllm, version: "0.15"}
accelerators: {resource: nvidia.com/gpu, perPod: 2}
"""
BROKEN = ("perPod: 2", "perPod: none")
CODES = {"clean": 0, "findings": 1, "usage": 2, "differs": 3, "fault": 70}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a platform and the services chat and rank in `specs`; the tests run in it."""
    monkeypatch.chdir(tmp_path)
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "platform.yaml").write_text(PLATFORM)
    for name in ("chat", "rank"):
        (specs / f"{name}.yaml").write_text(SERVICE.replace("NAME", name))
    return tmp_path


def obsc(*arguments: str) -> Result:
    """Run a command in this process."""
    return CliRunner(catch_exceptions=False).invoke(cli.main, arguments)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def edit(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# Exit codes


def test_a_clean_run_exits_with_0_and_says_what_it_compiled(place: Path) -> None:
    result = obsc("compile", "specs", "--out", "out")
    assert (result.exit_code, result.stderr) == (0, "")
    count = len(tree(place / "out"))
    assert result.stdout.startswith("test: 2 services, ")
    assert result.stdout.endswith(f", {count} files\n")


def test_specs_and_out_are_the_usual_folders(place: Path) -> None:
    assert obsc("compile").exit_code == 0
    assert (place / "out/test/artifacts/ai/chat/rules.yaml").is_file()


@pytest.mark.parametrize("command", ["compile", "validate"])
def test_an_error_exits_with_1(place: Path, command: str) -> None:
    edit(place / "specs/chat.yaml", *BROKEN)
    result = obsc(command)
    assert result.exit_code == 1
    assert "  --> specs/chat.yaml:5:50\n" in result.stderr


@pytest.mark.parametrize("arguments", [
    ("compile", "--nonsense"), ("compile", "--format", "xml"), ("link",), ("link", "nowhere"), ("nonsense",),
    ("compile", "--out"),
], ids=" ".join)
def test_a_wrong_command_exits_with_2(place: Path, arguments: tuple[str, ...]) -> None:
    result = obsc(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr
    assert not (place / "out").exists()


def test_a_fault_of_ours_exits_with_70_and_does_not_blame_the_spec(
        place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fault(*_: object, **__: object) -> None:
        raise RuntimeError("spring broke")

    monkeypatch.setattr("obsc.inputs.find_specs", fault)
    monkeypatch.setattr(sys, "argv", ["obsc", "compile", "--no-cache"])
    monkeypatch.setenv("PYDANTIC_DISABLE_PLUGINS", "__all__")
    monkeypatch.delenv("OBSC_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as stopped:
        __main__.main()
    assert stopped.value.code == CODES["fault"]
    said = capsys.readouterr().err
    assert "RuntimeError: spring broke" in said
    assert "Traceback" not in said


def test_a_terminal_of_another_encoding_is_no_fault(committed: Path) -> None:
    edit(committed / "out/test/artifacts/ai/chat/rules.yaml", "groups:", "groups: # a word…")
    done = subprocess.run([sys.executable, "-m", "obsc", "compile", "--check"], env={**os.environ, "PYTHONIOENCODING": "latin-1"},
                          capture_output=True, check=False)
    assert done.returncode == CODES["differs"]
    assert b"-groups: # a word\\u2026\n" in done.stdout


@pytest.mark.parametrize("arguments", [("compile", ""), ("compile", "--out", ""), ("validate", ""), ("link", "", "--out", "out")], ids=" ".join)
def test_a_path_that_a_script_left_empty_is_not_the_working_directory(place: Path, arguments: tuple[str, ...]) -> None:
    before = tree(place)
    assert obsc(*arguments).exit_code == CODES["usage"]
    assert tree(place) == before


def test_help_and_version_exit_with_0() -> None:
    for arguments in (("--help",), ("--version",), ("compile", "-h"), ("link", "-h"), ("validate", "-h")):
        assert obsc(*arguments).exit_code == 0


# --check


@pytest.fixture
def committed(place: Path) -> Path:
    """The same with `out` compiled."""
    assert obsc("compile").exit_code == 0
    return place


def _lose(out: Path) -> None:
    (out / "test/artifacts/ai/chat/rules.yaml").unlink()


def _change(out: Path) -> None:
    edit(out / "test/artifacts/ai/chat/rules.yaml", "groups:", "groups: # edited")


def _outlive(out: Path) -> None:
    """What an older release compiled and this one does not: in the folder, and in its list of files."""
    folder = out / "test/artifacts/ai/chat"
    (folder / "old.yaml").write_text("old: true\n")
    listed = json.loads((folder / ".obsc.json").read_text())
    listed["files"]["artifacts/ai/chat/old.yaml"] = "0" * 64
    (folder / ".obsc.json").write_text(json.dumps(listed))


def test_check_of_a_clean_tree_exits_with_0(committed: Path) -> None:
    before = tree(committed / "out")
    assert obsc("compile", "--check").exit_code == 0
    assert tree(committed / "out") == before


@pytest.mark.parametrize(("harm", "said"), [
    (_lose, "missing: test/artifacts/ai/chat/rules.yaml\n"),
    (_change, "differs: test/artifacts/ai/chat/rules.yaml\n"),
], ids=["missing", "changed"])
def test_check_of_another_tree_exits_with_3_and_writes_nothing(
        committed: Path, harm: Callable[[Path], None], said: str) -> None:
    harm(committed / "out")
    before = tree(committed / "out")
    result = obsc("compile", "--check")
    assert result.exit_code == CODES["differs"]
    assert result.stdout.endswith(said)
    assert tree(committed / "out") == before


def test_check_shows_the_difference(committed: Path) -> None:
    _change(committed / "out")
    lines = obsc("compile", "--check").stdout.splitlines()
    assert lines[:2] == ["--- committed/test/artifacts/ai/chat/rules.yaml", "+++ compiled/test/artifacts/ai/chat/rules.yaml"]
    assert {"-groups: # edited", "+groups:"} <= set(lines)


def test_check_names_files_that_are_no_longer_compiled(committed: Path) -> None:
    _drop_logs_later(committed)
    before = tree(committed / "out")
    result = obsc("compile", "--check")
    assert result.exit_code == CODES["differs"]
    assert "stale: test/manifests/ai/chat/prometheusrule.yaml\n" in result.stdout
    assert tree(committed / "out") == before


def test_check_of_a_tree_that_was_never_compiled_exits_with_3_and_makes_no_folder(place: Path) -> None:
    result = obsc("compile", "--check")
    assert result.exit_code == CODES["differs"]
    assert "missing: test/artifacts/ai/chat/rules.yaml\n" in result.stdout
    assert not (place / "out").exists()


def test_an_error_weighs_more_than_a_difference(committed: Path) -> None:
    edit(committed / "specs/chat.yaml", *BROKEN)
    edit(committed / "specs/rank.yaml", "perPod: 2", "perPod: 4")
    assert obsc("compile", "--check").exit_code == CODES["findings"]


# What is stale, what is foreign, what is kept


def _drop_logs_later(committed: Path) -> None:
    """Compile with the operator's objects, then go back to files: the objects of services are stale."""
    edit(committed / "specs/platform.yaml", "alertmanager:", "prometheus: {flavor: operator}\nalertmanager:")
    assert obsc("compile").exit_code == 0
    edit(committed / "specs/platform.yaml", "prometheus: {flavor: operator}\n", "")


def test_stale_files_go_and_foreign_files_stay(committed: Path) -> None:
    _drop_logs_later(committed)
    folder = committed / "out/test/manifests/ai/chat"
    (folder / "notes.md").write_text("ours\n")
    assert (folder / "prometheusrule.yaml").is_file()
    assert obsc("compile").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["notes.md"]
    assert not (committed / "out/test/manifests/ai/rank").exists()


def test_a_stale_file_that_was_edited_stays_with_a_warning(committed: Path) -> None:
    _outlive(committed / "out")
    result = obsc("compile")
    assert "warning[W907]" in result.stderr
    assert (committed / "out/test/artifacts/ai/chat/old.yaml").read_text() == "old: true\n"


def test_a_service_with_an_error_keeps_its_files_while_others_are_written(committed: Path) -> None:
    before = tree(committed / "out")
    edit(committed / "specs/chat.yaml", *BROKEN)
    edit(committed / "specs/rank.yaml", "perPod: 2}", "perPod: 2}\nmetrics: {endpoints: [{port: 9000}]}")
    assert obsc("compile").exit_code == CODES["findings"]
    after = tree(committed / "out")
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert "test/artifacts/ai/rank/scrape.yaml" in changed
    assert not any("/ai/chat/" in path for path in changed)


def test_the_platform_links_the_last_good_part_of_a_service_with_an_error(committed: Path) -> None:
    before = tree(committed / "out")
    edit(committed / "specs/chat.yaml", *BROKEN)
    assert obsc("compile").exit_code == CODES["findings"]
    assert tree(committed / "out") == before
    assert any("platform/prometheus-rules-" in path and b"ai.chat" in raw.replace(b"_", b".").replace(b"-", b".")
               for path, raw in before.items())


def test_services_of_one_file_have_errors_of_their_own(place: Path) -> None:
    files = [place / f"specs/{name}.yaml" for name in ("platform", "chat", "rank")]
    text = "---\n".join(path.read_text() for path in files)
    for path in files:
        path.unlink()
    (place / "specs/all.yaml").write_text(text[::-1].replace(*(word[::-1] for word in BROKEN), 1)[::-1])
    assert obsc("compile").exit_code == CODES["findings"]
    assert (place / "out/test/artifacts/ai/chat").is_dir()
    assert not (place / "out/test/artifacts/ai/rank").exists()


@pytest.mark.parametrize(("name", "more"), [("chat", ""), ("other", "workload: {name: chat}\n")], ids=["identity", "log files"])
def test_nobody_takes_over_what_is_another_services(committed: Path, name: str, more: str) -> None:
    edit(committed / "specs/platform.yaml", "alertmanager:",
         'elasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}\nfilebeat: {version: 9.5.2}\nalertmanager:')
    assert obsc("compile").exit_code == 0
    before = tree(committed / "out")
    (committed / "specs/a.yaml").write_text(SERVICE.replace("NAME", name).replace("team: chat", "team: thieves") + more)
    assert obsc("compile").exit_code == CODES["findings"]
    assert tree(committed / "out") == before


def test_an_environment_with_two_platforms_stays_as_it_is(committed: Path) -> None:
    before = tree(committed / "out")
    edit(committed / "specs/chat.yaml", "perPod: 2", "perPod: 4")
    (committed / "specs/a.yaml").write_text(PLATFORM.replace("pager", "thief"))
    assert obsc("compile").exit_code == CODES["findings"]
    assert tree(committed / "out") == before


def test_a_mistake_in_a_profile_is_that_of_who_uses_it(place: Path) -> None:
    with (place / "specs/platform.yaml").open("a") as file:
        file.write("profiles: {bad: {workload: {replicas: {min: 3, max: 2}}}}\n")
    with (place / "specs/chat.yaml").open("a") as file:
        file.write("profile: bad\n")
    assert obsc("compile").exit_code == CODES["findings"]
    assert not (place / "out/test/artifacts/ai/chat").exists()
    assert (place / "out/test/artifacts/ai/rank/rules.yaml").is_file()
    assert (place / "out/test/artifacts/platform/prometheus.yml").is_file()


def test_fail_fast_writes_nothing(committed: Path) -> None:
    before = tree(committed / "out")
    edit(committed / "specs/chat.yaml", *BROKEN)
    edit(committed / "specs/rank.yaml", "perPod: 2}", "perPod: 2}\nmetrics: {endpoints: [{port: 9000}]}")
    result = obsc("compile", "--fail-fast")
    assert (result.exit_code, result.stdout) == (CODES["findings"], "")
    assert tree(committed / "out") == before


def test_strict_makes_a_warning_an_error(place: Path) -> None:
    edit(place / "specs/platform.yaml", "alertmanager:",
         'elasticsearch: {version: 9.5.2, hosts: ["http://elasticsearch.observability.svc:9200"]}\n'
         "filebeat: {version: 9.5.2}\npolicy: {allowInsecure: true}\nalertmanager:")
    relaxed, strict = obsc("validate"), obsc("validate", "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, CODES["findings"])
    assert relaxed.stderr.replace("warning", "error") == strict.stderr


def test_env_compiles_one_environment(place: Path) -> None:
    with (place / "specs/platform.yaml").open("a") as file:
        file.write("environments: {blue: {}, green: {}}\n")
    assert obsc("compile", "--env", "green").exit_code == 0
    assert [path.name for path in (place / "out").iterdir()] == ["green"]
    result = obsc("compile", "--env", "red", "--out", "none")
    assert result.exit_code == CODES["findings"]
    assert "error[R208]: no platform defines the environment `red`; known are `blue`, `green`" in result.stderr
    assert not (place / "none").exists()


# Findings


def test_json_has_the_findings_of_the_text_in_their_order(place: Path) -> None:
    edit(place / "specs/chat.yaml", *BROKEN)
    edit(place / "specs/rank.yaml", "runtime:", "runtme:")
    text, data = obsc("validate", "--infos"), obsc("validate", "--infos", "--format", "json")
    assert (text.exit_code, data.exit_code, data.stdout) == (1, 1, "")
    found = json.loads(data.stderr)["findings"]
    heads = [f"{one['severity']}[{one['code']}]: {one['message']}" for one in found]
    places = ["  --> {file}:{line}:{column}".format(**one["place"]) for one in found]
    assert heads
    assert heads == [line for line in text.stderr.splitlines() if line.startswith(("error[", "warning[", "info["))]
    assert places == [line for line in text.stderr.splitlines() if line.startswith("  --> ")]


def test_json_without_findings_has_none(place: Path) -> None:
    assert json.loads(obsc("validate", "--format", "json").stderr) == {"findings": [], "more": {}, "counts": {}}


def test_every_error_of_every_file_is_reported_in_one_run(place: Path) -> None:
    edit(place / "specs/chat.yaml", *BROKEN)
    edit(place / "specs/rank.yaml", "namespace: ai, team: chat", "namespace: AI")
    said = obsc("validate").stderr
    assert {"specs/chat.yaml:5:50", "specs/rank.yaml:3:35"} <= {line.partition("--> ")[2] for line in said.splitlines()}


def test_a_finding_has_its_line_and_a_caret_below_what_it_is_about(place: Path) -> None:
    edit(place / "specs/chat.yaml", *BROKEN)
    lines = obsc("validate").stderr.splitlines()
    at = lines.index(" 5 | accelerators: {resource: nvidia.com/gpu, perPod: none}")
    assert lines[at + 1] == "   |                                                  ^^^^"


def _on_a_terminal(place: Path, **environment: str) -> str:
    """What `validate` writes to a terminal."""
    ours, theirs = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen([sys.executable, "-m", "obsc", "validate"], cwd=place, env={**clean, **environment}, stderr=theirs,
                          stdout=subprocess.DEVNULL) as process:
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 4096):
                said += piece
        except OSError:  # Linux's way to say that the other end is closed
            pass
        process.wait()
    os.close(ours)
    return said.decode()


def test_colours_are_for_terminals_without_no_color(place: Path) -> None:
    edit(place / "specs/chat.yaml", *BROKEN)
    assert "\x1b[31merror[" in _on_a_terminal(place)
    assert "\x1b[" not in _on_a_terminal(place, NO_COLOR="1")
    assert "\x1b[" not in obsc("validate").stderr


def test_a_link_that_leads_out_of_the_specs_is_refused(committed: Path) -> None:
    outside = committed / "outside.yaml"
    outside.write_text(SERVICE.replace("NAME", "spy"))
    (committed / "specs/spy.yaml").symlink_to(outside)
    result = obsc("compile", "--out", "other")
    assert result.exit_code == CODES["findings"]
    assert "error[L018]" in result.stderr
    assert "specs/spy.yaml" in result.stderr
    assert not any("spy" in path for path in tree(committed / "other"))


def test_a_file_that_is_given_in_two_ways_is_read_once(place: Path) -> None:
    result = obsc("validate", "specs", "./specs/chat.yaml", str(place / "specs/chat.yaml"))
    assert (result.exit_code, result.stderr) == (0, "")


def test_what_is_no_file_is_not_read(place: Path) -> None:
    os.mkfifo(place / "specs/pipe.yaml")
    assert obsc("validate", "specs").exit_code == 0
    assert "`specs/pipe.yaml` is neither a file nor a folder" in obsc("validate", "specs/pipe.yaml").stderr


def test_the_end_of_a_files_name_may_be_in_capitals(place: Path) -> None:
    (place / "specs/chat.yaml").rename(place / "specs/chat.YAML")
    assert obsc("compile").stdout.startswith("test: 2 services")


def test_hidden_files_are_no_specs(place: Path) -> None:
    (place / "specs/.draft.yaml").write_text("nonsense: [")
    assert obsc("validate").exit_code == 0


# Linking


def test_linking_parts_gives_the_platform_that_compiling_gives(committed: Path) -> None:
    shutil.copytree(committed / "out", committed / "expected")
    for path in (committed / "out/test").glob("*/platform"):
        shutil.rmtree(path)
    (committed / "out/test/manifests/kustomization.yaml").unlink()
    result = obsc("link", "out/test/artifacts", "--platform", "specs/platform.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert tree(committed / "out") == tree(committed / "expected")


def test_linking_needs_no_specs_and_lists_the_folders_of_services(place: Path) -> None:
    edit(place / "specs/platform.yaml", "alertmanager:", "prometheus: {flavor: operator}\nalertmanager:")
    assert obsc("compile").exit_code == 0
    before = tree(place / "out")
    for name in ("chat", "rank"):
        (place / "specs" / f"{name}.yaml").unlink()
    assert obsc("link", "out/test/artifacts", "--platform", "specs", "--check").exit_code == 0
    assert b"- ai/chat\n" in before["test/manifests/kustomization.yaml"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}', '{"version": 1, "identity": {"name": "../x"}}'], ids=repr)
def test_a_part_that_cannot_be_read_is_a_finding(committed: Path, text: str) -> None:
    (committed / "out/test/artifacts/ai/chat/part.json").write_text(text)
    before = tree(committed / "out")
    result = obsc("link", "out/test/artifacts", "--platform", "specs/platform.yaml", "--check")
    assert result.exit_code == CODES["findings"]
    assert "error[W910]" in result.stderr
    assert "out/test/artifacts/ai/chat/part.json" in result.stderr
    assert tree(committed / "out") == before


def test_a_part_may_not_name_files_of_others(committed: Path) -> None:
    edit(committed / "out/test/artifacts/ai/chat/part.json", '"rules.yaml"', '"../rank/rules.yaml"')
    result = obsc("link", "out/test/artifacts", "--platform", "specs/platform.yaml", "--check")
    assert result.exit_code == CODES["findings"]
    assert "error[W910]" in result.stderr


def test_a_part_that_is_given_twice_is_a_finding(committed: Path) -> None:
    shutil.copytree(committed / "out/test/artifacts/ai", committed / "copy/ai")
    result = obsc("link", "out/test/artifacts", "copy", "--platform", "specs/platform.yaml", "--check")
    assert result.exit_code == CODES["findings"]
    assert "error[W911]" in result.stderr


# Never 0 after nothing


def test_a_folder_that_is_not_there_is_a_finding(committed: Path) -> None:
    result = obsc("compile", "specz", "--out", "other")
    assert result.exit_code == CODES["findings"]
    assert "error[L019]: there is no file or folder `specz`" in result.stderr
