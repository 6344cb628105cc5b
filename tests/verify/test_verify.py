"""What `obsc verify` promises beyond single mistakes: our own outputs are clean, places are exact, nothing makes it fall."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from conftest import ROOT
from obsc import verify
from obsc.cli import main
from obsc.diagnostics import Diagnostic, Severity, Sink
from obsc.verify import expressions, jsontext, kinds, kustomization, pieces

GOOD = Path(__file__).parent / "good"
FIXTURES = ROOT.parent / "shared" / "fixtures"
CRDS = ROOT / "compiler" / "obsc" / "verify" / "crds"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


def found(folder: Path, version: str = "1.33") -> list[Diagnostic]:
    sink = Sink()
    verify.verify([folder], sink, lambda _: version)
    return list(sink)


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


@pytest.mark.parametrize("environment", ["default", "prod"])
def test_what_the_compiler_makes_is_clean(environment: str) -> None:
    assert found(ROOT / "out" / environment) == []


def test_every_text_of_a_config_map_of_ours_is_judged() -> None:
    known = []
    for path in sorted((ROOT / "out/default/manifests").rglob("*.yaml")):
        for piece in pieces.read(path, Sink())[1]:
            for text in kinds.texts(piece.data):
                (inner,) = pieces.inside(piece, text.path, text.name, text.text, Sink())
                known.append(kinds.configuration(inner.name, inner.data))
    assert "" not in known
    assert {"prometheus", "alertmanager", "rules", "scrape file", "dashboard", "collector", "filebeat", "filebeat inputs",
            "providers"} <= set(known)


# The command


def test_clean_files_exit_with_0_and_are_counted() -> None:
    result = run(GOOD)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "11 files, 9 objects, 10 configurations\n"


def test_a_finding_exits_with_1_and_shows_its_line(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n")
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "error[X610]: `A` is no name of a ConfigMap" in result.stderr
    assert "a.yaml:3:18" in result.stderr
    assert "= help: write `a`" in result.stderr


def test_a_warning_exits_with_0_unless_strict(tmp_path: Path) -> None:
    rule = "groups: [{name: a, rules: [{record: a-b, expr: up}]}]\n"
    write(tmp_path, rules__yaml=rule)
    assert run(tmp_path).exit_code == 0
    assert run(tmp_path, "--strict").exit_code == 1


def test_nothing_read_is_no_success(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert result.exit_code == 1
    assert "X601" in result.stderr
    write(tmp_path, spec__yaml="apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata: {name: a}\n", notes__yaml="a: 1\n")
    assert run(tmp_path).exit_code == 1


@pytest.mark.parametrize("arguments", [(), ("missing-folder",), (GOOD, "--kubernetes", "1.2"), (GOOD, "--kubernetes", "9.99"),
                                       (GOOD, "--kubernetes", "newest")])
def test_wrong_usage_exits_with_2(arguments: tuple[str | Path, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "missing", lambda: ("kubernetes_validate",))
    result = run(GOOD)
    assert result.exit_code == 2
    assert "pip install 'obsc[verify]'" in result.stderr


def test_findings_are_data_too(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: A}\n")
    data = json.loads(run(tmp_path, "--format", "json").stderr)["findings"]
    assert [(one["code"], one["place"]["line"], one["place"]["column"]) for one in data] == [("X610", 3, 18)]


def test_kinds_without_a_schema_are_counted(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\n")
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (0, "1 file, 1 object, 0 configurations, no schema for 1 of the objects\n")
    assert "X607" in run(tmp_path, "--infos").stderr


# Versions of Kubernetes

NEWER = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: a}\nspec: {}\n"


@pytest.mark.parametrize(("version", "codes"), [("1.33", ["X603"]), ("v1.34.2", []), ("1.37", [])])
def test_the_version_decides_what_is_served(version: str, codes: list[str], tmp_path: Path) -> None:
    write(tmp_path, a__yaml=NEWER)
    result = run(tmp_path, "--kubernetes", version, "--format", "json")
    assert [one["code"] for one in json.loads(result.stderr)["findings"]] == codes


def test_an_environment_is_judged_by_its_platform(tmp_path: Path) -> None:
    specs = ('apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {{name: {}}}\nkubernetes: {{version: "{}"}}\n')
    (tmp_path / "specs").mkdir()
    write(tmp_path / "specs", old__yaml=specs.format("old", "1.33"), new__yaml=specs.format("new", "1.37.1"))
    for name in ("old", "new", "other"):
        (tmp_path / "out" / name / "manifests").mkdir(parents=True)
        write(tmp_path / "out" / name / "manifests", a__yaml=NEWER)
    sink = Sink()
    verify.verify([tmp_path / "out"], sink, verify.chosen(None, [tmp_path / "specs"], sink))
    assert [(one.code, Path(one.place.file).parts[-3]) for one in sink] == [("X603", "old")]


def test_a_version_that_is_not_known_is_said(tmp_path: Path) -> None:
    write(tmp_path, p__yaml='apiVersion: obsc.dev/v1alpha1\nkind: AIPlatform\nmetadata: {name: a}\nkubernetes:\n  version: "1.99"\n')
    sink = Sink()
    verify.chosen(None, [tmp_path], sink)
    assert [(one.code, one.severity, one.place.line) for one in sink] == [("X609", Severity.WARNING, 5)]


# Places


def test_a_place_within_a_text_is_its_place_in_the_file(tmp_path: Path) -> None:
    text = ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rules\ndata:\n  rules.yaml: |\n\n    groups:\n      - name: a\n"
            "        rules:\n          - record: a\n            expr: up +\n")
    write(tmp_path, a__yaml=text)
    (one,) = found(tmp_path)
    line, column = 12, text.split("\n")[11].index("up") + 1
    assert (one.code, one.place.line, one.place.column, one.place.end_column) == ("X620", line, column, column + 4)


@pytest.mark.parametrize("value", ['"groups:\\n  - name: a\\n    rules: [{record: a, expr: \'up +\'}]\\n"',
                                   ">\n    groups: [{name: a, rules: [{record: a, expr: 'up +'}]}]\n"])
def test_where_lines_of_a_text_are_none_of_the_file_the_text_is_named(value: str, tmp_path: Path) -> None:
    write(tmp_path, a__yaml=f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: rules\ndata:\n  rules.yaml: {value}\n")
    (one,) = found(tmp_path)
    assert (one.code, one.place.line, one.place.column) == ("X620", 6, 15)


def test_places_in_json() -> None:
    text = '{"a": [1, {"b": "x",\n  "ü": {"c": null}}],\n "e": "\\ud83d\\ude00"}'
    data, readable = jsontext.read("f.json", text, Sink())
    assert readable
    assert data == {"a": [1, {"b": "x", "ü": {"c": None}}], "e": "\U0001f600"}
    places = {path: jsontext.place("f.json", text, path)[1:3] for path in
              [(), ("a",), ("a", 0), ("a", 1, "b"), ("a", 1, "ü", "c"), ("e",), ("a", 7), ("x", "y")]}
    assert places == {(): (1, 1), ("a",): (1, 2), ("a", 0): (1, 8), ("a", 1, "b"): (1, 17), ("a", 1, "ü", "c"): (2, 14), ("e",): (3, 7),
                      ("a", 7): (1, 2), ("x", "y"): (1, 1)}
    assert jsontext.place("f.json", text, ("a", 1, "ü", "c"), key=True)[1:3] == (2, 9)


@pytest.mark.parametrize("text", ["{", "[1,]", '{"a": NaN}', '{"a": 01}', "[" * 100_000, '{"a": "\x01"}', ""])
def test_what_is_no_json_is_said(text: str) -> None:
    sink = Sink()
    assert jsontext.read("f.json", text, sink) == (None, False)
    assert [one.code for one in sink] == ["X602"]


# What is read, and what is not


def test_items_of_a_list_are_objects(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: B_B}\n")
    (one,) = found(tmp_path)
    assert (one.code, one.place.line) == ("X610", 6)


def test_a_packed_dashboard_is_opened(tmp_path: Path) -> None:
    board = {"uid": "a" * 41, "title": "A", "schemaVersion": 41, "panels": []}
    packed = base64.b64encode(gzip.compress(json.dumps(board).encode(), mtime=0)).decode()
    head = ("apiVersion: grafana.integreatly.org/v1beta1\nkind: GrafanaDashboard\nmetadata: {name: a}\nspec:\n"
            "  instanceSelector: {matchLabels: {a: b}}\n  gzipJson: ")
    write(tmp_path, a__yaml=head + packed + "\n")
    assert [(one.code, one.place.line) for one in found(tmp_path)] == [("X640", 6)]
    write(tmp_path, a__yaml=head + base64.b64encode(b"no gzip").decode() + "\n")
    assert [(one.code, one.place.line) for one in found(tmp_path)] == [("X602", 6)]


def test_secrets_are_never_opened(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  prometheus.yml: |\n    hunter2: {\n")
    assert found(tmp_path) == []


def test_a_credential_is_never_repeated(tmp_path: Path) -> None:
    key = "sk-" + "a1B2c3D4e5F6" * 3
    write(tmp_path, a__yaml=f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: a, labels: {{a: '{key}!'}}}}\nspec: {{replicas: {key}}}\n")
    result = run(tmp_path)
    assert result.exit_code == 1
    assert key not in result.stderr


def test_hidden_files_are_left_alone_and_links_out_are_refused(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / ".git").mkdir(parents=True)
    write(inside / ".git", a__yaml="{")
    write(inside, b__yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
    write(tmp_path, outside__yaml="a: 1")
    (inside / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert [one.code for one in found(inside)] == ["L018"]


def test_octal_modes_are_numbers(tmp_path: Path) -> None:
    pod = ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: a}]\n"
           "  volumes: [{name: a, secret: {secretName: a, defaultMode: 0400}}]\n")
    write(tmp_path, a__yaml=pod)
    assert [(one.code, one.severity) for one in found(tmp_path)] == [("L013", Severity.WARNING)]


def test_objects_meet_only_where_they_are_applied_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, x__yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: same}\n",
              kustomization__yaml="resources: [x.yaml]\n")
    assert found(tmp_path) == []
    write(tmp_path, kustomization__yaml="resources: [a, b]\n")
    (one,) = found(tmp_path)
    assert (one.code, Path(one.place.file).parts[-2:], one.related[0].place.file.split("/")[-2]) == ("X616", ("b", "x.yaml"), "a")
    write(tmp_path / "b", kustomization__yaml="namePrefix: b-\nresources: [x.yaml]\n")
    assert found(tmp_path) == []


def test_patches_are_parts_of_objects(tmp_path: Path) -> None:
    write(tmp_path, x__yaml="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n",
          patch__yaml="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {$patch: delete}\n",
          kustomization__yaml="resources: [x.yaml]\npatches: [{path: patch.yaml}]\n")
    assert found(tmp_path) == []


def test_what_only_looks_like_an_object_is_none(tmp_path: Path) -> None:
    write(tmp_path, a__yaml="apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nport: 1\n",
          b__yaml="apiVersion: v1\nkind: ConfigMap\n")
    assert [(one.code, Path(one.place.file).name) for one in found(tmp_path)] == [("X608", "b.yaml")]


# Knowledge that is shipped


def test_shipped_schemas_are_schemas_and_have_their_origin() -> None:
    notice = (CRDS / "NOTICE").read_text()
    files = sorted(CRDS.glob("*.json"))
    assert len(files) == 9
    assert "Apache License, Version 2.0" in notice
    for path in files:
        data = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(data["schema"])
        assert path.stem == data["kind"].lower()
        assert data["origin"].replace("@", " ") in notice
        assert f"{data['kind']} {data['version']}" in notice
        assert '"description": "' not in path.read_text()


def test_every_form_refers_to_what_there_is() -> None:
    from obsc.verify import forms  # noqa: PLC0415

    def words(form: Any) -> Iterator[str]:  # noqa: ANN401
        if isinstance(form, dict):
            for key, value in form.items():
                yield from (f"@{name}" for name in value) if key == "+" else words(value)
        elif isinstance(form, list):
            yield from words(form[0])
        else:
            yield form

    known = {*forms.GRAMMARS, *forms._TYPES, "promql", *(f"@{name}" for name in forms._forms())}
    assert {word for word in words(forms._forms()) if "|" not in word and not word.startswith("=")} <= known


# PromQL of the wild


def published(name: str) -> list[list[str]]:
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"no {path}")
    return [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith("#")]


def test_published_expressions_are_no_errors() -> None:
    wrong = [(row[0], one.message) for row in published("promql.txt") for one in expressions.check_of_panel(row[0]) if one.code == "X620"]
    assert wrong == []


def test_published_mistakes_that_promtool_refuses_are_refused() -> None:
    refused = [row for row in published("promql-bad.txt") if row[-1].startswith("rejects")]
    assert len(refused) > 5
    assert [row[0] for row in refused if not any(one.code == "X620" for one in expressions.check_of_panel(row[0]))] == []


@pytest.mark.parametrize("text", [
    "rate(x[$__rate_interval])", "x offset $shift", "topk($k, x)", "x > $limit", '$metric{a="b"}', "sum by ($label) (x)", "${metric}_total",
    'x{a=~"${pod:regex}"}', "avg_over_time(x[$__range])", "x * $__interval_ms", "increase(x[${__range_s}s])", 'x{a="[[pod]]"}',
    'label_replace(x, "a", "$1", "b", "(.*)")', "sum(rate(x[5m:$step]))"])
def test_variables_of_grafana_stand_for_what_fits(text: str) -> None:
    assert list(expressions.check_of_panel(text)) == []


# Data of any shape

VALUES: list[Any] = [None, 1, -1, 1.5, "x", "", [], {}, True, [None], {"a": None}, [1], ["x"], {"a": {}}, "{{", "$x[", 10**12, [[]], [{}],
                     {"": ""}]


def paths(data: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield before
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield from paths(value, (*before, key))


def mutated(data: Any, rng: random.Random) -> Any:  # noqa: ANN401
    data = copy.deepcopy(data)
    *above, last = rng.choice([path for path in paths(data) if path])
    holder = data
    for step in above:
        holder = holder[step]
    if rng.random() < 0.2:
        del holder[last]
    else:
        holder[rng.choice(["x", "name", "type", "expr"]) if rng.random() < 0.2 and isinstance(holder, dict) else last] = copy.deepcopy(
            rng.choice(VALUES))
    return data


def test_no_shape_of_data_makes_it_fall() -> None:
    rng = random.Random(7)
    read = [piece for path in sorted(GOOD.iterdir()) for piece in pieces.read(path, Sink())[1]]
    read += [inner for piece in read if kinds.is_object(piece.data) for text in kinds.texts(piece.data)
             for inner in pieces.inside(piece, text.path, text.name, text.text, Sink())]
    told = 0
    for _ in range(1500):
        piece = rng.choice(read)
        data = mutated(piece.data, rng)
        if kustomization.is_kustomization(piece.name, data):
            problems = list(kustomization.check(data, GOOD))
        elif kinds.is_object(data):
            problems = [one for _, member in kinds.members(data) for one in kinds.check_object(member, "1.33", 100)]
            assert [kinds.texts(member) for _, member in kinds.members(data)]
        else:
            problems = [one for check in kinds.CONFIGURATIONS.values() for one in check(data)]
        told += len(problems)
        for problem in problems:
            assert pieces.diagnostic(piece, problem).place.line >= 1
            assert problem.message
            assert "\n" not in problem.message
    assert told > 1500


def test_a_platform_brings_its_catalog_along(root: Path, tmp_path: Path) -> None:
    sink = Sink()
    version = verify.chosen(None, (root / "examples/platform-repository/platform",), sink)
    assert list(sink) == []
    assert version(tmp_path / "prod/manifests/x.yaml") == "1.33"
