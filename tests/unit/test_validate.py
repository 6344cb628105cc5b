from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obsc.catalog.form import ProfileForm
from obsc.diagnostics import Diagnostic, Place, Sink
from obsc.merge import merge, without_nulls
from obsc.source import DEEPEST, Document, Node, Path, at, load, plain
from obsc.spec.base import Block
from obsc.spec.platform import AIPlatform
from obsc.spec.service import AIService
from obsc.tree import graft, prune, to_python, walk
from obsc.validate import Accepted, build, check

SERVICE = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai-prod, team: chat}
runtime: {name: vllm}
"""
PLATFORM = """\
apiVersion: obsc.dev/v1alpha1
kind: AIPlatform
metadata: {name: prod}
"""
HERE = Place("spec.yaml")
SECRET = "sk-" + "0123456789abcdefABCDEF0123456789"


def document(text: str) -> Document:
    return load("spec.yaml", text.encode(), Sink()).documents[0]


def checked(text: str) -> tuple[Accepted, list[Diagnostic]]:
    sink = Sink()
    return check(document(text), sink), list(sink)


def node(value: object) -> Node:
    """A tree as the loader would make it, all in one place."""
    if isinstance(value, Mapping):
        return Node({key: node(item) for key, item in value.items()}, HERE, dict.fromkeys(value, HERE))
    if isinstance(value, list):
        return Node(tuple(map(node, value)), HERE)
    assert value is None or isinstance(value, str | int | float | bool)
    return Node(value, HERE, None, "null" if value is None else str(value), null_word=value is None)


def paths(found: Sequence[Diagnostic]) -> list[tuple[str, str]]:
    return [(one.code, one.path) for one in found]


def only(text: str) -> Diagnostic:
    _, found = checked(text)
    assert len(found) == 1, paths(found)
    return found[0]


def merged(accepted: Accepted, *below: Node) -> Node:
    tree: Node | None = None
    for layer in (*below, prune(accepted.tree, [("environments",)])):
        tree = merge(tree, layer)
    assert tree is not None
    return tree


# As written.


def test_a_sound_document_is_accepted_as_it_is() -> None:
    accepted, found = checked(SERVICE + "logs: {format: json}\n")
    assert found == []
    assert (accepted.kind, accepted.failed, accepted.pruned) == ("AIService", False, frozenset())
    assert plain(accepted.tree) == plain(accepted.document.root)


def test_the_word_null_stays_for_merging() -> None:
    accepted, found = checked(SERVICE + "accelerators: null\nenvironments: {prod: {logs: ~, profile: null}}\n")
    assert found == []
    removed = at(accepted.tree, ("accelerators",))
    assert removed is not None
    assert removed.null_word


def test_the_word_null_does_not_hide_a_key_that_the_language_does_not_have() -> None:
    accepted, found = checked(SERVICE + "frob: null\nquality: null\nlogs: {fromat: null, format: null}\n"
                              "alerts: {rules: {lower: null, Upper: null}}\nenvironments: {prod: {frob: ~}, Prod: null}\n")
    assert sorted(paths(found)) == [
        ("V101", "environments.prod.frob"), ("V101", "frob"), ("V101", "logs.fromat"), ("V102", "quality"),
        ("V105", "alerts.rules.lower"), ("V105", "environments.Prod")]
    assert plain(accepted.tree)["alerts"] == {"rules": {"Upper": None}}  # type: ignore[index]


def test_what_another_layer_may_supply_is_not_missed() -> None:
    _, found = checked("apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata: {name: chat}\n"
                       "accelerators: {perPod: 2}\nenvironments: {prod: {metadata: {team: chat}}}\n")
    assert found == []


@pytest.mark.parametrize("text", ["kind: AIService\nmetadata: {name: a}\n", "apiVersion: null\nkind: AIService\nmetadata: {name: a}\n"])
def test_what_no_layer_can_supply_is_missed(text: str) -> None:
    assert paths([only(text)]) == [("V103", "apiVersion")]


def test_every_mistake_comes_in_one_run_and_what_is_sound_is_kept() -> None:
    accepted, found = checked(SERVICE + """\
profile: [gpu]
workload: {kind: Deploy, container: vllm}
metrics:
  endpoints:
    - {name: a, port: 0, path: /metrics}
    - {name: b, port: 8000, verb: GET}
""")
    assert paths(found) == [("V104", "profile"), ("V104", "workload.kind"), ("V104", "metrics.endpoints[0].port"),
                            ("V101", "metrics.endpoints[1].verb")]
    assert accepted.failed
    assert plain(accepted.tree) == {
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIService", "metadata": {"name": "chat", "namespace": "ai-prod", "team": "chat"},
        "runtime": {"name": "vllm"}, "workload": {"container": "vllm"},
        "metrics": {"endpoints": [{"name": "a", "path": "/metrics"}, {"name": "b", "port": 8000}]}}
    assert ("metrics", "endpoints", "a", "port") in accepted.pruned


@pytest.mark.parametrize(("text", "kind", "code"), [
    ("kind: AiService\n", "AIService", "V104"),
    ("kind: ai-platform\n", "AIPlatform", "V104"),
    ("kind: AIServices\n", "AIService", "V104"),
    ("kind: [AIService]\nruntime: {name: vllm}\n", "AIService", "V104"),
    ("kind: null\nmodels: []\n", "AIService", "V103"),
    ("objectives: []\n", "AIService", "V103"),
    ("prometheus: {flavor: config}\n", "AIPlatform", "V103"),
    ("kind: Cluster\napiVersion: obsc.dev/v1alpha1\ngrafana: {}\n", "AIPlatform", "V104"),
])
def test_a_document_of_a_wrong_kind_is_read_by_its_shape(text: str, kind: str, code: str) -> None:
    accepted, found = checked(text)
    assert accepted.kind == kind
    assert [one.code for one in found if one.path == "kind"] == [code]
    assert f"kind: {kind}" in next(one.hint for one in found if one.path == "kind")


@pytest.mark.parametrize("text", ["apiVersion: apps/v1\nkind: Deployment\nmetadata: {}\nspec: {logs: {}}\n", "a: 1\n",
                                  "apiVersion: v1\nkind: Service\nmetadata: {}\nspec: {}\n", "kind: Cluster\nlogs: {}\n",
                                  "apiVersion: v1\nkind: ConfigMap\nmetrics: x\n"])
def test_a_document_of_another_language_gets_one_error(text: str) -> None:
    accepted, found = checked(text)
    assert [one.path for one in found] == ["kind"]
    assert (accepted.kind, plain(accepted.tree), accepted.failed) == ("", {}, True)


def test_a_key_without_value_under_kind_is_just_that() -> None:
    accepted, found = checked("apiVersion: obsc.dev/v1alpha1\nkind:\nmetadata: {name: a}\nruntime: {name: vllm}\n")
    assert paths(found) == [("V107", "kind")]
    assert accepted.kind == "AIService"


def test_every_partial_document_is_checked() -> None:
    _, found = checked(PLATFORM + """\
defaults: {logs: {a: 1}}
enforced: {logs: {b: 1}}
profiles: {gpu: {logs: {c: 1}}}
environments:
  prod:
    grafana: {d: 1}
    defaults: {logs: {e: 1}}
    enforced: {logs: {f: 1}}
    profiles: {gpu: {logs: {g: 1}}}
""")
    assert paths(found) == [("V101", path) for path in (
        "defaults.logs.a", "enforced.logs.b", "profiles.gpu.logs.c", "environments.prod.grafana.d",
        "environments.prod.defaults.logs.e", "environments.prod.enforced.logs.f", "environments.prod.profiles.gpu.logs.g")]


def test_the_platform_may_choose_a_profile_but_a_profile_may_not() -> None:
    _, found = checked(PLATFORM + "defaults: {profile: a}\nenforced: {profile: a}\nprofiles: {a: {profile: b}}\n")
    assert paths(found) == [("V106", "profiles.a.profile")]


@pytest.mark.parametrize("part", ["defaults: 5", "enforced: [a]", "profiles: {gpu: x}", "environments: {prod: 7}", "profiles: x"])
def test_a_part_that_is_no_mapping(part: str) -> None:
    found = only(PLATFORM + part + "\n")
    assert found.code == "V104"
    assert "expected a mapping" in found.message
    assert found.hint


def test_no_platform_gives_components_to_every_service() -> None:
    assert paths([only(PLATFORM + "defaults: {components: [{name: a}]}\n")]) == [("V106", "defaults.components")]


def test_what_is_in_an_unknown_or_reserved_key_is_not_judged() -> None:
    _, found = checked(SERVICE + "foo: {bar: , models: [{name: a}, {name: a}]}\nquality: [{target: }]\n")
    assert [one.code for one in found] == ["V101", "V102"]


def test_branches_of_a_union_speak_with_one_voice_and_in_the_right_place() -> None:
    # pydantic's path goes on with the branch's name, here one that the document has as a key.
    found = only(SERVICE.replace("vllm}", "vllm, options: {flag: {str: 1}}}"))
    assert paths([found]) == [("V104", "runtime.options.flag")]
    assert found.message == "found a mapping, expected a text, a number, or true or false"


def test_an_entry_that_is_called_like_pydantics_mark_of_a_key() -> None:
    accepted, found = checked(SERVICE.replace("team: chat}", 'team: chat, labels: {"[key]": x}}') + 'alerts: {rules: {A: {"[key]": 1}}}\n')
    assert paths(found) == [("V105", 'metadata.labels."[key]"'), ("V101", 'alerts.rules.A."[key]"')]
    assert at(accepted.tree, ("alerts", "rules", "A")) is not None


@pytest.mark.parametrize(("written", "hint"), [
    ("metrics: {seriess: []}", "did you mean `series`?"),
    ("metrics: {static_configs: []}", "did you mean `staticConfigs`?"),
    ("metrics: {ENDPOINTS: []}", "did you mean `endpoints`?"),
    ("metrics: {replicas: 2}", "`replicas` is a key of `workload`"),
    ("metrics: {logs: {}}", "`logs` is a key of the document itself"),
    ("accelerators: {resource: amd.com/gpu, zzz: 1}", "known keys here are `resource`, `perPod`"),
])
def test_an_unknown_key_is_told_what_was_meant(written: str, hint: str) -> None:
    assert hint in only(SERVICE + written + "\n").hint


@pytest.mark.parametrize(("written", "hint"), [
    ("traces: {sampling: {baseline: 5}}", "write `5%` or `0.05`"),
    ("traces: {sampling: {baseline: 99.9}}", "write `99.9%` or `0.999`"),
    ("traces: {sampling: {baseline: 1}}", "write for example `5%` or `0.05`"),
    ("traces: {sampling: {baseline: 100%}}", "write for example `5%` or `0.05`"),
    ('alerts: {rules: {ServiceDown: {threshold: "95"}}}', "write a unit: `95s` for seconds, `95m` for minutes; `95%` for a ratio"),
    ("alerts: {rules: {ServiceDown: {threshold: 100%}}}", "write for example `95%` or `0.95`"),
    ("alerts: {rules: {ServiceDown: {threshold: 0%}}}", "write for example `95%` or `0.95`"),
    ("workload: {startup: 30}", "write a unit: `30s` for seconds, `30m` for minutes"),
    ("workload: {startup: 10 minutes}", "write `10m`"),
    ("workload: {startup: 1h 30min}", "write `1h30m`"),
    ("workload: {startup: PT10M}", "write `10m`"),
    ("workload: {startup: soon}", 'write for example `startup: "10m"`'),
    ("workload: {container: 5}", 'put it in quotes: `"5"`'),
    ('workload: {replicas: {min: "2"}}', "write it without quotes: `2`"),
    ('logs: {enabled: "false"}', "write it without quotes: `false`"),
    ("logs: {enabled: off}", "write `false`"),
    ("logs: {redact: ip}", "write a list: `redact: [ip]`"),
    ("profile: {name: gpu}", "write for example `profile: gpu-serving`"),
    ("workload: {kind: statefulset}", "did you mean `StatefulSet`?"),
    ("workload: {kind: Pod}", "write for example `kind: StatefulSet`"),
])
def test_a_wrong_value_is_told_the_right_form(written: str, hint: str) -> None:
    _, found = checked(SERVICE + written + "\n")
    assert [one.code for one in found] == ["V104"]
    assert hint in found[0].hint


def test_a_mapping_is_offered_where_a_name_was_written() -> None:
    assert only(SERVICE.replace("{name: vllm}", "vllm")).hint == "write `runtime: {name: vllm}`"


def test_found_values_are_shown_short_and_harmless() -> None:
    found = only(SERVICE + 'profile: "' + "x" * 200 + '"\n')
    assert "`" + "x" * 40 + "…`" in found.message
    assert "x" * 41 not in found.message
    sink = Sink()
    check(Document("spec.yaml", graft(document(SERVICE).root, ("profile",), Node("\x1b[31mred\u202e", HERE))), sink)
    assert [one.message for one in sink if one.message.isprintable() and "\\u001b[31mred\\u202e" in one.message]


@pytest.mark.parametrize("written", [
    "profile: {s}", "runtime2: {s}", "logs: {{format: {s}}}", "logs: {{redact: [{s}]}}", "{s}: 1", "metrics: {{ {s}: 1}}",
    "alerts: {{rules: {{ {s}: {{}} }} }}", "alerts: {{rules: {{ {s}: {{foo: 1}} }} }}", "kind2: {{a: [{{b: {s}}}]}}",
    "environments: {{ {s}: {{foo: }} }}", "metrics: {{endpoints: [{{authorization: {{credentials: {s}}}}}]}}",
    "models: [{{name: {s}}}, {{name: {s}}}]", "workload: {{kind: {s}}}", "apiVersion2: &a {s}\nprofile: *a",
])
def test_a_credential_is_an_error_that_never_prints_it(written: str) -> None:
    _, found = checked(SERVICE + written.format(s=SECRET) + "\n")
    assert "P401" in {one.code for one in found}
    assert SECRET[5:] not in repr(found)


def test_a_credential_in_a_foreign_document_is_still_one() -> None:
    _, found = checked(f"kind: Secret\nstringData: {{password: {SECRET}}}\n")
    assert [one.code for one in found] == ["V104", "P401"]


def test_a_text_in_place_of_a_reference_is_not_shown() -> None:
    _, found = checked(PLATFORM + "alertmanager: {receivers: [{name: a, slackConfigs: [{apiURL: correct horse}]}]}\n")
    assert [one.code for one in found] == ["V104"]
    assert "correct horse" not in repr(found)
    assert "Kubernetes Secret" in found[0].hint


@pytest.mark.parametrize(("written", "path"), [
    ("metrics: {endpoints: [{port: 1}, {name: default, port: 2}]}", "metrics.endpoints[1]"),
    ("models: [{name: a}, {name: b}, {name: a}]", "models[2]"),
    ("environments: {prod: {models: [{name: a}, {name: a}]}}", "environments.prod.models[1]"),
])
def test_items_of_one_name(written: str, path: str) -> None:
    found = only(SERVICE + written + "\n")
    assert paths([found]) == [("V108", path)]
    assert len(found.related) == 1
    assert found.related[0].place < found.place


def test_an_item_whose_name_is_not_sound_does_not_merge_with_another() -> None:
    accepted, found = checked(SERVICE + "models: [{name: 5}, {servedName: x}, {name: a}]\n")
    assert paths(found) == [("V104", "models[0].name"), ("V103", "models[1].name")]
    left = at(accepted.tree, ("models",))
    assert left is not None
    assert plain(left) == [{"name": "a"}]


def test_with_strict_warnings_stay_what_the_sink_makes_of_them() -> None:
    sink = Sink(strict=True)
    assert not check(document(SERVICE), sink).failed
    assert len(sink) == 0


# Trees that are deep or large.


def _nested(levels: int) -> Node:
    tree = Node("x", HERE)
    for _ in range(levels):
        tree = Node({"a": tree}, HERE, {"a": HERE})
    return tree


@pytest.mark.parametrize("path", [("unknown",), ("environments", "prod"), ("runtime", "options", "x"), ("metadata",)])
def test_a_tree_that_aliases_made_deep_is_an_error(path: Path) -> None:
    sink = Sink()
    accepted = check(Document("spec.yaml", graft(document(SERVICE).root, path, _nested(5000))), sink)
    assert "L001" in {one.code for one in sink}
    assert max(len(path) for path, _ in walk(accepted.tree)) < DEEPEST


def test_conversion_takes_any_depth_and_size() -> None:
    data = to_python(_nested(20_000))
    for _ in range(20_000):
        assert isinstance(data, dict)
        data = data["a"]
    assert data == "x"
    assert to_python(node([1, [2, 3], {"a": [], "b": None}])) == (1, (2, 3), {"a": ()})


# Merged.


def test_a_whole_service_is_built() -> None:
    sink = Sink()
    model, recovered = build(AIService, document(SERVICE).root, sink)
    assert isinstance(model, AIService)
    assert (model.metadata.name, recovered, len(sink)) == ("chat", frozenset(), 0)


def test_what_is_missing_is_told_at_the_nearest_thing_that_is_written() -> None:
    text = "apiVersion: obsc.dev/v1alpha1\nkind: AIService\nmetadata:\n  name: chat\n  team: chat\n"
    sink = Sink()
    model, recovered = build(AIService, document(text).root, sink)
    assert [(one.path, one.place.line, one.place.column) for one in sink] == [("runtime", 1, 1), ("metadata.namespace", 3, 1)]
    assert recovered == {("runtime",), ("metadata", "namespace")}
    assert isinstance(model, AIService)
    assert (model.metadata.namespace, model.runtime.name) == ("default", "custom")


def test_what_is_missing_is_told_in_the_document_and_not_in_a_layer_above() -> None:
    own = document(SERVICE.replace(", team: chat", "")).root
    over = load("platform.yaml", b"\n\nmetadata: {labels: {a: b}}\n", Sink()).documents[0].root
    tree, sink = merge(own, over), Sink()
    assert tree is not None
    build(AIService, tree, sink, home=own)
    assert [(one.place.file, one.place.line) for one in sink] == [("spec.yaml", 3)]


@pytest.mark.parametrize(("text", "recovered"), [
    (SERVICE.replace("name: chat", "name: Not_A_Name"), ("metadata", "name")),
    (SERVICE.replace("{name: vllm}", "7"), ("runtime",)),
    (SERVICE.replace("{name: vllm}", "{nam: vllm}"), ("runtime", "name")),
    (SERVICE + "accelerators: {resource: gpu}\n", ("accelerators",)),
    (SERVICE + "workload: {replicas: {min: -1}}\n", ("workload", "replicas", "min")),
    (SERVICE + "metrics: {series: [{name: a_total, type: conter}]}\n", ("metrics", "series")),
    (SERVICE + "metrics: {endpoints: [{authorization: {credentials: {name: a}}}]}\n",
     ("metrics", "endpoints", 0, "authorization")),
    (PLATFORM + 'elasticsearch: {hosts: ["https://a"]}\n', ("elasticsearch",)),
    (PLATFORM + "alertmanager: {receivers: [{webhookConfigs: []}]}\n", ("alertmanager", "receivers")),
    (PLATFORM.replace("{name: prod}", "{}"), ("metadata", "name")),
    (PLATFORM.replace("kind: AIPlatform\n", "") + "prometheus: {}\n", ("kind",)),
])
def test_errors_are_told_once_and_recovered_from(text: str, recovered: Path) -> None:
    sink = Sink()
    accepted = check(document(text), sink)
    model: type[Block] = AIService if accepted.kind == "AIService" else AIPlatform
    built, marks = build(model, merged(accepted), sink, pruned=accepted.pruned)
    assert isinstance(built, model)
    assert recovered in marks
    assert len({(one.place, one.code) for one in sink}) == len(sink) >= 1
    # The same tree without the first pass: everything is told by the second alone.
    alone = Sink()
    built, marks = build(model, document(text).root, alone)
    assert isinstance(built, model)
    assert alone.failed
    assert recovered in marks


def test_marks_find_named_items_again_after_merging() -> None:
    text = SERVICE + """\
metrics:
  endpoints:
    - {name: b, authorization: {credentials: 5}}
    - {name: c, interval: often}
"""
    accepted, found = checked(text)
    defaults = node({"metrics": {"endpoints": [{"name": "a", "port": 1}, {"name": "c"}]}})
    sink = Sink()
    model, recovered = build(AIService, merged(accepted, defaults), sink, pruned=accepted.pruned)
    assert [one.path for one in found] == ["metrics.endpoints[0].authorization.credentials", "metrics.endpoints[1].interval"]
    assert len(sink) == 0
    assert isinstance(model, AIService)
    assert [endpoint.name for endpoint in model.metrics.endpoints] == ["a", "c", "b"]
    assert {("metrics", "endpoints", 1, "interval"), ("metrics", "endpoints", 2, "authorization")} <= recovered


def test_what_was_bad_in_any_layer_is_no_news() -> None:
    accepted, _ = checked(SERVICE.replace(", team: chat", "") + "environments: {prod: {metadata: {team: 5}}}\n")
    sink = Sink()
    _, recovered = build(AIService, merged(accepted), sink, pruned=accepted.pruned)
    assert len(sink) == 0
    assert ("metadata", "team") in recovered
    platform, _ = checked(PLATFORM + "defaults: {metadata: {team: [a]}}\n")
    _, recovered = build(AIService, merged(accepted), sink, pruned=platform.pruned)
    assert len(sink) == 0
    assert ("metadata", "team") in recovered


def test_an_item_that_went_leaves_its_list_marked_and_others_judged() -> None:
    accepted, found = checked(SERVICE + "metrics: {series: [7, {name: a_total}, {name: b_total, type: counter}]}\n")
    sink = Sink()
    model, recovered = build(AIService, merged(accepted), sink, pruned=accepted.pruned)
    assert [one.path for one in found] == ["metrics.series[0]"]
    assert [(one.code, one.place.column) for one in sink] == [("V103", 23)]
    assert isinstance(model, AIService)
    assert [one.name for one in model.metrics.series] == ["b_total"]
    assert ("metrics", "series") in recovered


def test_other_models_are_judged_too_and_have_no_stand_ins() -> None:
    sink = Sink()
    model, _ = build(ProfileForm, document("name: x\ntitle:\nscrape: {port: a}\nclas: llm\n").root, sink)
    assert model is None
    assert {("V107", "title"), ("V104", "scrape.port"), ("V101", "clas"), ("V103", "class")} <= set(paths(list(sink)))


# Any document at all.

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 10**6), st.floats(allow_nan=False, allow_infinity=False),
                    st.text(max_size=8), st.sampled_from(["5m", "95%", "vllm", "default", "prod", "5", "true", "a b"]))
WORDS = st.sampled_from([*AIService.model_json_schema()["$defs"], "name", "kind", "port", "logs", "metrics", "endpoints", "series",
                         "runtime", "metadata", "team", "environments", "prod", "defaults", "profiles", "labels", "rules", "alerts",
                         "objectives", "models", "", "[key]", "str", "workload", "replicas", "min", "redact", "enabled"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12)
PLACES = st.sampled_from([
    (), ("metadata",), ("metadata", "name"), ("metadata", "labels"), ("runtime",), ("runtime", "name"), ("runtime", "options"),
    ("workload",), ("workload", "replicas"), ("metrics",), ("metrics", "endpoints"), ("metrics", "series"), ("models",), ("alerts",),
    ("alerts", "rules"), ("logs",), ("logs", "redact"), ("traces", "sampling"), ("environments",), ("environments", "prod"),
    ("environments", "prod", "metrics"), ("defaults",), ("profiles",), ("enforced", "logs"), ("alertmanager", "receivers"),
    ("kind",), ("apiVersion",), ("prometheus",), ("sources",), ("policy",)])


@given(st.sampled_from([SERVICE, PLATFORM]), st.lists(st.tuples(PLACES, VALUES), min_size=1, max_size=4))
def test_any_document_is_judged_and_recovered_from(text: str, edits: list[tuple[Path, object]]) -> None:
    tree = document(text).root
    for path, value in edits:
        if path or isinstance(value, dict):
            tree = graft(tree, path, node(value))
    sink = Sink()
    accepted = check(Document("spec.yaml", tree), sink)
    assert accepted.failed is sink.failed
    assert accepted.failed is bool(accepted.pruned)
    if not accepted.kind:
        return
    again = Sink()
    assert check(Document("spec.yaml", accepted.tree), again).pruned <= accepted.pruned | {("kind",), ("apiVersion",), ("metadata",),
                                                                                         ("metadata", "name")}
    alone = without_nulls(prune(accepted.tree, [("environments",)]))
    assert alone is not None
    model: type[Block] = AIService if accepted.kind == "AIService" else AIPlatform
    told = len(sink)
    built, recovered = build(model, alone, sink, pruned=accepted.pruned)
    assert isinstance(built, model)
    assert bool(recovered) >= (len(sink) > told)
    # What went from another layer need not leave a mark in this one.
    assert recovered or all(path[0] in {"environments", "defaults", "enforced", "profiles"} for path in accepted.pruned)
