"""What is large: limits, the mark for the server's side, and rules and inputs in pieces that move nothing else."""

from __future__ import annotations

import json
import re

import pytest

from conftest import Compile
from obsc import conventions, sizes
from obsc.diagnostics import Diagnostic, Severity
from obsc.ir import Identity
from obsc.pieces import Sized, divide
from samples import PLATFORM, SPEC, read

MANY = "".join(f'    - {{name: Odd{number}, expr: "sum by (namespace) (rate(odd_total[5m])) > {number}", summary: Odd, description: "{"Look. " * 90}"}}\n'
               for number in range(600))
LARGE = SPEC + "metrics: {series: [{name: odd_total, type: counter}]}\nalerts:\n  custom:\n" + MANY
OPERATED = PLATFORM + "prometheus: {flavor: operator}\n"


def pieces(items: dict[str, int], limit: int = 100) -> dict[str, str]:
    """The piece that each item is in."""
    found = divide(list(items), lambda one: Sized(one, items[one]), limit)
    return {item: name for name, members in found for item in members}


def test_limits_of_objects() -> None:
    assert sizes.problem("a.yaml", "ConfigMap", 900 << 10) is None
    assert sizes.problem("a.yaml", "PrometheusRule", 480 << 10) is None
    assert sizes.problem("a.yaml", "ConfigMap", (900 << 10) + 1) == "a.yaml has 901 KiB, its consumer takes at most 900 KiB"
    assert sizes.problem("a.yaml", "PrometheusRule", (480 << 10) + 1) == "a.yaml has 481 KiB, its consumer takes at most 480 KiB"


def test_what_fits_is_one_piece_in_the_order_it_came() -> None:
    assert divide(["b", "a"], lambda _: Sized("same", 50), 100) == (("", ("b", "a")),)
    assert divide([], lambda _: Sized("", 0), 100) == (("", ()),)


def test_every_item_is_in_one_piece_and_no_piece_is_too_large() -> None:
    items = {f"item-{number}": 7 for number in range(200)}
    found = pieces(items)
    assert found.keys() == items.keys()
    names = sorted(set(found.values()))
    assert all(sum(found[item] == name for item in items) * 7 <= 100 for name in names)
    # No piece's name begins another's, so that a name tells all that is in it.
    assert not [(one, other) for one in names for other in names if one != other and other.startswith(one)]


def test_a_new_item_moves_only_what_lies_beside_it() -> None:
    items = {f"item-{number}": 7 for number in range(200)}
    before = pieces(items)
    for number in range(40):
        after = pieces({**items, f"new-{number}": 7})
        where = after[f"new-{number}"]
        assert {item for item in items if after[item] != before[item]} <= {item for item in items if where.startswith(before[item])}


def test_an_item_that_is_too_large_is_a_piece_of_its_own() -> None:
    found = pieces({"large": 900, "a": 10, "b": 10, "c": 10})
    assert [item for item in found if found[item] == found["large"]] == ["large"]
    assert pieces(dict.fromkeys("a", 900)) == {"a": ""}


def test_pieces_of_a_service_stay_with_its_own_server() -> None:
    for name in "abcdefgh":
        identity = Identity("prod", "ai", name)
        found = {conventions.shard_of_piece(identity, piece, 48, 3) for piece in ("", "0", "1", "00", "01", "10", "11")}
        assert len({number % 3 for number in found}) == 1
        assert len(found) > 1
        assert all(0 <= number < 48 for number in found)


def test_the_copy_of_a_client_is_counted_as_go_writes_it() -> None:
    assert sizes.copy_size({"a": "<>&é"}) == len('{"a":"\\u003c\\u003e\\u0026é"}'.encode())
    assert sizes.needs_server({"a": "x" * (250 << 10)}, 250 << 10)
    assert sizes.needs_server({"a": ">" * (50 << 10)}, 50 << 10)
    assert not sizes.needs_server({"a": "x" * (249 << 10)}, 249 << 10)


def test_large_rules_are_objects_of_their_own_that_together_have_every_rule_once(compile_texts: Compile) -> None:
    compiled, found = compile_texts({"a.yaml": LARGE, "p.yaml": OPERATED})
    assert [one.message for one in found if one.severity is Severity.ERROR] == []
    home = "default/manifests/ai/chat/"
    objects = {path.removeprefix(home): raw for path, raw in compiled.tree.items() if path.startswith(f"{home}prometheusrule")}
    assert len(objects) > 3
    assert all(len(raw) <= 250 << 10 for raw in objects.values())
    assert {read(raw)["metadata"]["name"] for raw in objects.values()} == {f"chat.{name.split('.')[1]}" for name in objects}
    groups = [group for raw in objects.values() for group in read(raw)["spec"]["groups"]]
    assert len({group["name"] for group in groups}) == len(groups)
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    assert {f"Odd{number}" for number in range(600)} <= set(alerts)
    assert alerts.count("Odd7") == 1
    assert set(objects) <= set(read(compiled.tree[f"{home}kustomization.yaml"])["resources"])


def test_pieces_are_linked_again_as_they_are(compile_texts: Compile) -> None:
    compiled, _ = compile_texts({"a.yaml": LARGE, "p.yaml": PLATFORM})
    shards = {key: text for path, raw in compiled.tree.items() if "/prometheus-rules-" in path for key, text in read(raw)["data"].items()}
    home = "default/artifacts/ai/chat/"
    files = json.loads(compiled.tree[f"{home}part.json"])["files"]
    rules = [file for file in files if file.startswith("rules.")]
    assert len(rules) > 3
    assert shards == {f"ai.chat.{file.removeprefix('rules.')}": compiled.tree[home + file].decode() for file in rules}


def test_an_object_that_a_client_cannot_apply_says_so(compile_texts: Compile) -> None:
    targets = "".join(f'    - "host-{number:05}.ai.svc:8000"\n' for number in range(12000))
    few, many = (compile_texts({"a.yaml": SPEC + "metrics:\n  discovery: static\n  staticConfigs:\n  - targets:\n" + text, "p.yaml": OPERATED})[0]
                 for text in (targets[:3100], targets))
    path = "default/manifests/ai/chat/scrape-default.yaml"
    assert "annotations" not in read(few.tree[path])["metadata"]
    assert read(many.tree[path])["metadata"]["annotations"] == {"argocd.argoproj.io/sync-options": "ServerSideApply=true"}
    assert len(many.tree[path]) > 250 << 10


@pytest.mark.parametrize("flavor", ["config", "operator"])
def test_a_page_that_cannot_be_divided_is_an_error_at_its_panels(
        compile_texts: Compile, monkeypatch: pytest.MonkeyPatch, flavor: str) -> None:
    monkeypatch.setattr(sizes, "OBJECT_LIMIT", 90 << 10)
    panels = "".join(f'    - {{title: "Panel {number}", expr: "up"}}\n' for number in range(100))
    spec = SPEC + "dashboards:\n  panels:\n" + panels
    platform = {"p.yaml": PLATFORM + f"prometheus: {{flavor: {flavor}}}\n"}
    _, found = compile_texts({"a.yaml": spec, **platform})
    (error,) = [one for one in found if one.severity is Severity.ERROR]
    assert (error.code, error.place.line) == ("W909", 7)
    assert "cannot be divided" in error.hint


def services(count: int) -> dict[str, str]:
    return {f"{number}.yaml": SPEC.replace("name: chat,", f"name: chat-{number},") for number in range(count)}


def told(found: list[Diagnostic]) -> list[Diagnostic]:
    return [one for one in found if one.code in {"W909", "W916"}]


def test_what_services_share_is_the_platforms_to_raise_when_it_is_full(compile_texts: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "OBJECT_LIMIT", 130 << 10)
    _, found = compile_texts({**services(10), "p.yaml": PLATFORM + "capacity: 8\n"})
    assert {(one.code, one.place.file, one.place.line) for one in told(found)} >= {("W909", "p.yaml", 7)}
    assert "files, of which" in told(found)[0].message
    said = {match[1] for one in told(found) if (match := re.search("write `(capacity: [0-9]+)`", one.hint))}
    wanted = max(said, key=lambda text: int(text.split()[1]))
    compiled, found = compile_texts({**services(10), "p.yaml": PLATFORM + wanted + "\n"})
    assert told(found) == []
    assert len([path for path in compiled.tree if "/prometheus-rules-" in path]) == conventions.shards("prometheus-rules", int(wanted.split()[1]))
    # Every shard is there and is marked, whatever is in it.
    assert all(b"ServerSideApply=true" in raw for path, raw in compiled.tree.items() if "/prometheus-rules-" in path)


def test_what_is_nearly_full_is_told_before(compile_texts: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {**services(10), "p.yaml": PLATFORM + "capacity: 8\n"}
    compiled, _ = compile_texts(texts)
    monkeypatch.setattr(sizes, "OBJECT_LIMIT", max(len(raw) for path, raw in compiled.tree.items() if "/platform/" in path))
    _, found = compile_texts(texts)
    assert {(one.code, one.severity, one.place.line) for one in told(found)} == {("W916", Severity.WARNING, 7)}


def test_a_service_and_anothers_component_or_endpoint_are_objects_of_their_own(compile_texts: Compile) -> None:
    first = SPEC + ("metrics: {endpoints: [{port: 8000}, {name: gpu, port: 9400, runtime: dcgm-exporter}]}\n"
                    "components: [{name: gpu}, {name: router, role: gateway, runtime: {name: vllm-router}}]\n")
    others = {f"{name}.yaml": SPEC.replace("name: chat,", f"name: chat-{name},") for name in ("gpu", "router")}
    compiled, _ = compile_texts({"a.yaml": first, **others, "p.yaml": OPERATED})
    names = [read(raw)["metadata"]["name"] for path, raw in compiled.tree.items() if "/manifests/" in path and "/scrape-" in path]
    assert len(names) > 5
    assert len(names) == len(set(names))
