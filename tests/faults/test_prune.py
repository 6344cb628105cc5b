"""--prune: what was committed of services that no spec compiles to goes, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from faults.session import obsc, outputs
from faults.test_killed import SERVICE, place, put_foreign

__all__ = ["place"]
RUN = ("compile", "specs", "--out", "out")
HOMES = ("test/artifacts/ai/old/", "test/manifests/ai/old/")


@pytest.fixture
def given_up(place: Path) -> Path:
    """Three services are compiled, one of them has no spec any more; foreign files lie about."""
    assert obsc(*RUN)[0] == 0
    put_foreign(place / "out")
    (place / "specs/old.yaml").unlink()
    return place


def of_old(out: Path) -> set[str]:
    """Outputs of the service that was given up."""
    return {path for path in outputs(out) if path.startswith(HOMES)}


def is_linked(out: Path) -> bool:
    """Whether what is shared knows the service."""
    return any(re.search(rb"\bai\W{1,6}old\b", raw) for path, raw in outputs(out).items() if "/platform/" in path)


def test_without_it_everything_stays_and_the_hint_names_it(given_up: Path) -> None:
    before = outputs(given_up / "out")
    code, said = obsc(*RUN)
    assert code == 0
    assert "warning[W913]: no spec that was given compiles to ai/old" in said
    assert "`--prune`" in said
    assert is_linked(given_up / "out")
    assert outputs(given_up / "out") == before


def test_the_service_goes_from_its_folders_and_from_what_is_linked(given_up: Path) -> None:
    out = given_up / "out"
    code, said = obsc(*RUN, "--prune")
    assert (code, "W913" in said) == (0, False)
    assert of_old(out) == {"test/manifests/ai/old/patch.yaml"}  # not of this compiler
    assert not (out / "test/artifacts/ai/old").exists()
    assert not is_linked(out)
    # The same as if it had never been.
    assert obsc("compile", "specs", "--out", "fresh")[0] == 0
    fresh = outputs(given_up / "fresh")
    assert {path: raw for path, raw in outputs(out).items() if path in fresh} == fresh
    assert obsc(*RUN, "--check")[0] == 0


def test_check_says_what_would_go(given_up: Path) -> None:
    before = outputs(given_up / "out")
    code, said = obsc(*RUN, "--check", "--prune")
    assert code == 3
    assert "stale: test/artifacts/ai/old/part.json\n" in said
    assert outputs(given_up / "out") == before


@pytest.mark.parametrize("mistake", ["team: chat", "kind: AIService", "apiVersion"])
def test_as_long_as_one_spec_has_an_error_nothing_is_pruned(given_up: Path, mistake: str) -> None:
    chat = given_up / "specs/chat.yaml"
    chat.write_text(chat.read_text().replace(mistake, "nonsense: &x"))
    old = of_old(given_up / "out")
    code, said = obsc(*RUN, "--prune")
    assert code == 1
    assert of_old(given_up / "out") == old
    assert "mend the errors first" in said
    assert is_linked(given_up / "out")


def test_a_file_that_was_edited_stays(given_up: Path) -> None:
    rules = given_up / "out/test/artifacts/ai/old/rules.yaml"
    rules.write_text("mine")
    code, said = obsc(*RUN, "--prune")
    assert code == 0
    assert "warning[W907]" in said
    assert of_old(given_up / "out") == {"test/artifacts/ai/old/rules.yaml", "test/manifests/ai/old/patch.yaml"}


def test_a_list_that_names_files_of_others_deletes_nothing(given_up: Path) -> None:
    listed = given_up / "out/test/artifacts/ai/old/.obsc.json"
    listed.write_text(listed.read_text().replace("artifacts/ai/old/rules.yaml", "artifacts/ai/chat/rules.yaml"))
    before = of_old(given_up / "out")
    code, said = obsc(*RUN, "--prune")
    assert code == 1
    assert "error[W905]" in said
    assert of_old(given_up / "out") == before
    assert (given_up / "out/test/artifacts/ai/chat/rules.yaml").is_file()


def test_a_folder_without_a_list_is_nobodys(given_up: Path) -> None:
    (given_up / "out/test/artifacts/ai/old/.obsc.json").unlink()
    before = of_old(given_up / "out")
    assert obsc(*RUN, "--prune")[0] == 0
    assert of_old(given_up / "out") == before


def test_a_link_to_another_service_is_not_followed(given_up: Path) -> None:
    out = given_up / "out"
    (out / "test/artifacts/ai/linked").symlink_to(out / "test/artifacts/ai/rank")
    before = outputs(out)
    obsc(*RUN, "--prune")
    assert (out / "test/artifacts/ai/rank/rules.yaml").read_bytes() == before["test/artifacts/ai/rank/rules.yaml"]


def test_only_the_environment_that_was_asked_for(given_up: Path) -> None:
    other = given_up / "out/staging/artifacts/ai/old"
    other.mkdir(parents=True)
    (other / ".obsc.json").write_text('{"files": {}}')
    assert obsc(*RUN, "--prune", "--env", "test")[0] == 0
    assert (other / ".obsc.json").is_file()


def test_a_service_that_moves_leaves_its_old_folder(place: Path) -> None:
    assert obsc(*RUN)[0] == 0
    (place / "specs/old.yaml").write_text(SERVICE.replace("NAME", "old").replace("namespace: ai", "namespace: lab"))
    assert obsc(*RUN, "--prune")[0] == 0
    assert of_old(place / "out") == set()
    assert (place / "out/test/artifacts/lab/old/rules.yaml").is_file()


def test_without_a_service_it_would_take_everything_and_does_nothing(given_up: Path) -> None:
    (given_up / "alone").mkdir()
    [platform] = [path for path in (given_up / "specs").glob("*.yaml") if "AIPlatform" in path.read_text()]
    platform.rename(given_up / "alone/platform.yaml")
    before = outputs(given_up / "out")
    for more in ((), ("--check",), ("--env", "test"), ("--no-cache",)):
        code, said = obsc("compile", "alone", "--out", "out", "--prune", *more)
        assert code == 1
        assert re.search(r"error\[W917\]: no service was given, so `--prune` would delete the outputs of ai/\w+, ai/\w+, ai/\w+\n", said)
    assert {path: raw for path, raw in outputs(given_up / "out").items() if path in before and "/ai/" in path} == {
        path: raw for path, raw in before.items() if "/ai/" in path}
    assert obsc("compile", "alone", "--out", "out")[0] == 0
