"""What leaves a node: compiled inputs, the compiled base and program, read by a real Filebeat over real container logs.

`filebeat test config` sees next to nothing, so everything here is a run that asserts events. One Filebeat reads one file
for each case; a case finds its events by the file they came from.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from conformance import checks, tools
from conformance.cluster import Cluster
from conformance.loopback import Loopback
from conformance.processes import StartError
from conformance.records import Consumers
from conformance.runners import Filebeat, eventually
from obsc import conventions, emit, ir, lower, privacy
from obsc.catalog import BUILT_IN
from obsc.part import LOGS, part_of
from obsc.spec.platform import AIPlatform
from obsc.targets import filebeat
from obsc.targets._redact import program as redact

Run = Callable[..., AbstractContextManager[Filebeat]]
Event = dict[str, Any]
ENVIRONMENT = {"NODE_NAME": "node-1", "POD_IP": "127.0.0.1", "ES_API_KEY": "id:key", "HOME": "/root", "SECRET": "from the agent"}
MOUNTS = ["/etc/filebeat", "/etc/filebeat-inputs", "/var/log/containers"]
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "fixtures" / "logs"
# No case may let this word out.
PRIVATE = "PRIVATE"
TIME = "2026-11-23T01:08:29"


def platform(version: str = "7.17.29", host: str = "https://elasticsearch.observability.svc:9200") -> AIPlatform:
    return AIPlatform.model_validate({
        "apiVersion": "obsc.dev/v1alpha1", "kind": "AIPlatform", "metadata": {"name": "prod"},
        "filebeat": {"version": version}, "elasticsearch": {"version": version, "hosts": (host,)}})


def log_input(container: str, form: str = "auto", continuation: str = "python", *, content: bool = True,
              drop: tuple[str, ...] = ("customer_id",), masks: tuple[str, ...] = privacy.USUAL_MASKS,
              labels: ir.Labels = (("service.name", "chat"), ("team", "ml"))) -> ir.LogInput:
    return ir.LogInput(
        id=f"prod.ai.chat.{container}", files=("/var/log/containers/*_ai_*.log",),
        include=f"/chat-[a-z0-9]+-[a-z0-9]{{5}}_ai_{container}-[0-9a-f]{{64}}\\.log$", format=form,
        linked=f"/ai_chat-[a-z0-9]+-[a-z0-9]{{5}}_[0-9a-f-]+/{container}/[0-9]+\\.log$",
        continuation=lower._CONTINUATION[continuation],
        drop=tuple(sorted({*(privacy.CONTENT_KEYS if content else ()), *drop})),
        masks=tuple(privacy.MASKS[name] for name in masks), labels=labels, origin=ir.Origin("logs"))


def service(*inputs: ir.LogInput) -> ir.Service:
    board = ir.Dashboard("uid", "chat", "ml", "", (), (), (), (), ir.Origin("dashboards"))
    return ir.Service(identity=ir.Identity("prod", "ai", "chat"), team="ml", description="", runtime="custom", labels=(),
                      links=(), static_labels=(), jobs=(), recordings=(), alerts=(), dashboard=board, logs=inputs,
                      traces=None, routes=())


INPUTS = (
    log_input("server"),
    log_input("plain", "text"),
    log_input("open", content=False, drop=(), masks=()),
    log_input("strict", masks=privacy.ORDER, drop=("customer_id", "account.number", "prompt")),
    log_input("hostile", "json", labels=(
        ("service.name", "${SECRET}"), ("team", "$${HOME} ${file:/etc/passwd} $(X) $HOME %{[host.name]}"))),
)


def cri(*lines: str | tuple[str, str], stream: str = "stdout") -> str:
    """Lines as a container runtime frames them; `(text, "P")` is a part of a line."""
    framed = [line if isinstance(line, tuple) else (line, "F") for line in lines]
    return "".join(f"{TIME}.{number:09d}Z {stream} {flag} {text}\n" for number, (text, flag) in enumerate(framed))


def js(**fields: object) -> str:
    return json.dumps(fields)


TRACEBACK = ("ERROR:    Exception in ASGI application", "Traceback (most recent call last):",
             '  File "/app/serve.py", line 7, in handle', "    return model(x)", "ValueError: bad input of bob@example.com")
# Case → container, lines as the runtime framed them, number of events.
CASES: dict[str, tuple[str, str, int]] = {
    "nested": ("server", cri(js(message="done", prompt=PRIVATE, systemPrompt=PRIVATE, llm_prompt=PRIVATE, **{
        "request": {"prompt": PRIVATE, "messages": [{"role": "user", "content": PRIVATE, "id": 1}], "max_tokens": 5},
        "gen_ai.prompt.0.content": PRIVATE, "gen_ai": {"input": {"messages": [PRIVATE]}}, "customer_id": PRIVATE,
        "items": [{"output": {"text": PRIVATE}, "n": 2}, [[{"completion": PRIVATE, "k": 3}]]]})), 1),
    "counts": ("server", cri(js(message="done", input_tokens=812, output_tokens=144, duration_ms=1890.1, prompt_tokens=812,
                                usage={"prompt_tokens": 3, "completion_tokens": 4}, timestamp_ns=1795396468924877606,
                                **{"gen_ai.usage.input_tokens": 9, "num_prompts": 2}, ok=True)), 1),
    "masks": ("server", cri(js(message="mail bob@example.com card 4111 1111-1111 1111 key sk-abcdefghijklmnopqrstuv",
                               to=["eve@example.org", {"iban": "DE89 3704 0044 0532 0130 00"}], card=4111111111111111,
                               call="+49 30 1234567", address="10.1.2.3", password="x", headers={"Authorization": "y"}),
                            "müller@example.com paid with 5500-0055-5555-5559 from 10.1.2.3"), 2),
    "strict": ("strict", cri(js(message="from 10.1.2.3", account={"number": PRIVATE, "plan": "free"},
                                **{"account.number": PRIVATE}), "account_id=7 customer_id=PRIVATE plan=free"), 2),
    "broken": ("server", cri('{"level": "info", "prompt": "PRIVATE words, "n": 1}', "{level: info, prompt: PRIVATE}",
                             '{"a": NaN, "event": "drift"}', '{"level": "info", "messages": [{"content": "PRIVATE',
                             '{"customer_id": PRIVATE, "n": 1'), 5),
    "text": ("plain", cri("Received request cmpl-1: prompt: 'PRIVATE words', params: SamplingParams(n=1)",
                          "prompt=PRIVATE words that go on", "GET /search?query=PRIVATE+words&page=2 HTTP/1.1",
                          "INFO Avg prompt throughput: 5.1 tokens/s, prompt: 12, completion=3",
                          "request prompt: None, params: {}", 'body {\\"messages\\": [{\\"content\\": \\"PRIVATE\\"}]}'), 6),
    "bracketed": ("server", cri("[2025-02-17 05:27:24 TP2] max_total_num_tokens=712400", "[1, 2]", '"text"'), 3),
    "traceback": ("server", cri(*TRACEBACK), 1),
    "json-then-traceback": ("server", cri(js(message="failed", error={"type": "ValueError"}), *TRACEBACK[1:],
                                          js(message="next")), 2),
    "content-in-traceback": ("server", cri(TRACEBACK[1], '  File "/app/serve.py", line 7, in handle',
                                           '    client.create(messages=[{"content": "PRIVATE"},', '      "PRIVATE"])',
                                           '  File "/app/client.py", line 9, in create', "    raise e"), 1),
    "partial": ("server", cri(('{"message": "long", "text": "one', "P"), (' two", "prompt": "PRI', "P"), 'VATE"}'), 1),
    "spoofed": ("server", cri(js(message="m", stream="none", service={"name": "other", "version": "2"}, team="other",
                                 log={"level": "info", "offset": 7, "file": {"path": "/etc/shadow"}}, kubernetes={"pod": "x"},
                                 data_stream={"dataset": "other"}, host="h", **{"@timestamp": "1999-01-01T00:00:00Z",
                                                                                "@metadata": {"index": "other"}})), 1),
    "shapes": ("server", cri(js(event="retrieval_empty", process=27618, error="boom", user="u"), js(msg="by msg"),
                             js(message={"role": "user", "text": "a"}), js(tags="a", a={"b": 1}, **{"a.b": 2, "": 1, ".": 2})),
               4),
    "deep": ("server", cri('{"a":' * 60 + js(prompt=PRIVATE, b=PRIVATE) + "}" * 60), 1),
    "blank": ("server", cri("", "{}", "   ", "end"), 2),
    "open": ("open", cri(js(message="bob@example.com", prompt="kept")), 1),
    "hostile": ("hostile", cri(js(message="${SECRET} ${file:/etc/passwd}")), 1),
}
FOREIGN = "chat-abc12-xyz34_ai_other-" + "f" * 64 + ".log"


def file_of(number: int, container: str) -> str:
    return f"chat-abc12-xyz34_ai_{container}-{number:064x}.log"


def lay_out(home: Path, logs: dict[str, str], *inputs: ir.LogInput, host: str | None = None,
            program: str | None = None) -> None:
    """A node's files as the compiled DaemonSet would see them."""
    said = platform() if host is None else platform(host=host)
    compiled = {one.path: emit.encode(one).decode() for one in filebeat.compile_(service(*inputs), said)}
    parts = [part_of(service(*inputs), {LOGS: text}) for text in compiled.values()]
    linked = {one.path: one for one in filebeat.link("prod", parts, said, BUILT_IN)}
    config = linked[conventions.manifests("prod", "platform", "filebeat-config.yaml")].plain
    shard = conventions.shard_name("filebeat-inputs", conventions.shard(ir.Identity("prod", "ai", "chat"), conventions.shards("filebeat-inputs", 32)))
    shards = linked[conventions.manifests("prod", "platform", f"{shard}.yaml")].plain
    assert isinstance(config, dict)
    assert isinstance(shards, dict)
    files = {f"/etc/filebeat/{name}": text for name, text in config["data"].items()}
    files |= {f"/etc/filebeat-inputs/{name}": text for name, text in shards["data"].items()}
    if program is not None:
        files["/etc/filebeat/redact.js"] = program
    checks.lay_out(home, files, MOUNTS)
    for name, text in logs.items():
        link, file = home / "var/log/containers" / name, home / "var/log/pods" / runtimes_own(name)
        for place in (link, file):
            place.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        link.symlink_to(file)


def runtimes_own(link: str) -> str:
    """The file that the runtime's link to a container's log leads to, below /var/log/pods."""
    pod, namespace, rest = link.removesuffix(".log").split("_")
    container, number = rest.rsplit("-", 1)
    return f"{namespace}_{pod}_9b2d7a52-3f0c-4c57-9f0e-1f6d6a1f6b1e/{container}/{int(number, 16) % 10**6}.log"


def quick(**more: str) -> dict[str, str]:
    return {"filebeat.config.inputs.reload.period": "1s", **more}


def ship(run: Run, home: Path, count: int, seconds: float = 40) -> tuple[list[Event], str]:
    """The events of a run, which must be `count` and stay so, and its log."""
    with run(home, config="etc/filebeat/filebeat.yml", environment=ENVIRONMENT, settings=quick()) as running:
        events = running.wait(count, seconds)
        return events, running.log()


@pytest.fixture(scope="module")
def sent(run_filebeat: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Event]]:
    """Events of every case, in the order of their lines."""
    home = tmp_path_factory.mktemp("filebeat")
    files = {file_of(number, container): text for number, (container, text, _) in enumerate(CASES.values())}
    lay_out(home, {**files, FOREIGN: cri("of another container")}, *INPUTS)
    events, _ = ship(run_filebeat, home, sum(count for _, _, count in CASES.values()))
    found: dict[str, list[Event]] = {name: [] for name in (*CASES, "foreign")}
    names = {file_of(number, container): name for number, (name, (container, _, _)) in enumerate(CASES.items())}
    for event in sorted(events, key=lambda one: int(one["log"]["offset"])):
        found[names.get(Path(event["log"]["file"]["path"]).name, "foreign")].append(event)
    return found


def fields(event: Event) -> Event:
    """What the application said: the event without what Filebeat and the input add."""
    ours = {"@timestamp", "@metadata", "agent", "ecs", "host", "input", "log", "stream", "service", "team", "data_stream"}
    return {key: value for key, value in event.items() if key not in ours}


def messages(events: list[Event]) -> list[str]:
    return [str(event.get("message")) for event in events]


@pytest.mark.parametrize("case", CASES)
def test_every_line_arrives_and_nothing_private_does(sent: dict[str, list[Event]], case: str) -> None:
    assert len(sent[case]) == CASES[case][2]
    assert PRIVATE not in json.dumps(sent[case])


def test_files_of_other_containers_are_left_alone(sent: dict[str, list[Event]], consumers: Consumers) -> None:
    assert not sent["foreign"]
    consumers.record("filebeat", tools.version("filebeat"), len(INPUTS))


def test_content_goes_at_any_depth_and_the_rest_stays(sent: dict[str, list[Event]]) -> None:
    assert fields(sent["nested"][0]) == {
        "message": "done", "request": {"max_tokens": 5}, "gen_ai": {}, "items": [{"n": 2}, [[{"k": 3}]]]}


def test_counts_and_durations_stay_as_they_were(sent: dict[str, list[Event]]) -> None:
    assert fields(sent["counts"][0]) == {
        "message": "done", "input_tokens": 812, "output_tokens": 144, "duration_ms": 1890.1, "prompt_tokens": 812,
        "usage": {"prompt_tokens": 3, "completion_tokens": 4}, "timestamp_ns": 1795396468924877606,
        "gen_ai": {"usage": {"input_tokens": 9}}, "num_prompts": 2, "ok": True}


def test_private_values_are_masked_in_every_text_and_number(sent: dict[str, list[Event]]) -> None:
    first, second = sent["masks"]
    assert first["message"] == "mail [redacted:email] card [redacted:card] key [redacted:secret]"
    assert first["to"] == ["[redacted:email]", {"iban": "[redacted:iban]"}]
    assert (first["card"], first["call"], first["address"]) == ("[redacted:card]", "[redacted:phone]", "10.1.2.3")
    assert (first["password"], first["headers"]["Authorization"]) == ("[redacted:secret]", "[redacted:secret]")
    assert second["message"] == "[redacted:email] paid with [redacted:card] from 10.1.2.3"


def test_a_service_may_ask_for_more(sent: dict[str, list[Event]]) -> None:
    first, second = sent["strict"]
    assert fields(first) == {"message": "from [redacted:ip]", "account": {"plan": "free"}}
    assert second["message"] == "account_id=7 customer_id=[content removed] plan=free"


def test_json_that_does_not_parse_is_cut_where_content_begins(sent: dict[str, list[Event]]) -> None:
    assert messages(sent["broken"]) == [
        '{"level": "info", "prompt": [content removed]', "{level: info, prompt: [content removed]",
        '{"a": NaN, "event": "drift"}', '{"level": "info", "messages": [content removed]', '{"customer_id": [content removed]']


def test_content_in_plain_text_is_cut_and_counts_are_not(sent: dict[str, list[Event]]) -> None:
    assert messages(sent["text"]) == [
        "Received request cmpl-1: prompt: [content removed]", "prompt= [content removed]",
        "GET /search?query=[content removed]&page=2 HTTP/1.1",
        "INFO Avg prompt throughput: 5.1 tokens/s, prompt: 12, completion=3", "request prompt: None, params: {}",
        'body {\\"messages\\": [content removed]']


def test_text_that_begins_with_a_bracket_is_text(sent: dict[str, list[Event]]) -> None:
    assert messages(sent["bracketed"])[0].endswith("max_total_num_tokens=712400")


def test_a_traceback_is_one_event(sent: dict[str, list[Event]]) -> None:
    assert messages(sent["traceback"]) == ["\n".join(TRACEBACK).replace("bob@example.com", "[redacted:email]")]


def test_a_traceback_after_a_line_of_json_stays_with_it(sent: dict[str, list[Event]]) -> None:
    first, second = sent["json-then-traceback"]
    assert first["message"] == "failed"
    assert first["error"]["type"] == "ValueError"
    assert first["error"]["stack_trace"].startswith("Traceback")
    assert first["error"]["stack_trace"].endswith("of [redacted:email]")
    assert second["message"] == "next"


def test_content_in_a_traceback_costs_only_its_lines(sent: dict[str, list[Event]]) -> None:
    text = messages(sent["content-in-traceback"])[0]
    assert 'messages= [content removed]\n  File "/app/client.py", line 9' in text


def test_a_line_in_parts_is_one_event(sent: dict[str, list[Event]]) -> None:
    assert fields(sent["partial"][0]) == {"message": "long", "text": "one two"}


def test_an_application_speaks_only_for_itself(sent: dict[str, list[Event]]) -> None:
    event = sent["spoofed"][0]
    assert event["@timestamp"].startswith(TIME)
    assert event["service"] == {"name": "chat", "version": "2"}
    assert event["data_stream"] == {"type": "logs", "dataset": "obsc.ai.chat", "namespace": "prod"}
    assert (event["team"], event["stream"], event["log"]["level"], event["log"]["offset"]) == ("ml", "stdout", "info", 0)
    assert "kubernetes" not in event
    assert "index" not in event["@metadata"]
    assert event["app"]["host"] == "h"


def test_a_plain_value_never_stands_where_others_have_an_object(sent: dict[str, list[Event]]) -> None:
    first, second, third, fourth = sent["shapes"]
    assert fields(first) == {"message": "retrieval_empty", "app": {"process": 27618, "error": "boom", "user": "u"}}
    assert second["message"] == "by msg"
    assert json.loads(third["message"]) == {"role": "user", "text": "a"}
    assert fields(fourth) == {"tags": "a", "a": {"b": 1}, "app": {"a": {"b": 2}}}


def test_what_may_be_kept_is_kept(sent: dict[str, list[Event]]) -> None:
    assert fields(sent["open"][0]) == {"message": "bob@example.com", "prompt": "kept"}


def test_strings_of_a_spec_are_never_expanded(sent: dict[str, list[Event]]) -> None:
    event = sent["hostile"][0]
    assert event["message"] == "${SECRET} ${file:/etc/passwd}"
    assert event["service"]["name"] == "${SECRET}"
    assert event["team"] == "$${HOME} ${file:/etc/passwd} $(X) $HOME %{[host.name]}"


@pytest.mark.parametrize("fault", ["throw new Error('x');", "while (true) {}", "return;", "unheardOf();"])
def test_a_program_that_fails_lets_nothing_out(run_filebeat: Run, tmp_path: Path, fault: str) -> None:
    program = redact().replace("function process(event) {", "function process(event) {\n" + fault)
    lay_out(tmp_path, {file_of(0, "server"): cri(js(message=PRIVATE, a=PRIVATE, json={"a": 1}), f"text {PRIVATE}")}, INPUTS[0],
            program=program)
    events, _ = ship(run_filebeat, tmp_path, 2)
    assert PRIVATE not in json.dumps(events)
    assert {event["log"]["offset"] for event in events} == {0, len(cri(js(message=PRIVATE, a=PRIVATE, json={"a": 1})))}
    assert {event["service"]["name"] for event in events} == {"chat"}


def test_a_mask_that_is_unknown_stops_the_input(run_filebeat: Run, tmp_path: Path, consumers: Consumers) -> None:
    unknown = dataclasses.replace(INPUTS[0], masks=(ir.Mask("unheard-of", "x"),))
    lay_out(tmp_path, {file_of(0, "server"): cri("text")}, unknown)
    with pytest.raises(StartError, match="was not ready") as refused:
        ship(run_filebeat, tmp_path, 1, seconds=8)
    assert "prod.ai.chat.server" in refused.value.log
    consumers.record("filebeat", tools.version("filebeat"), 0, "an unknown mask: no event")


class Elasticsearch(Loopback):
    """As much of Elasticsearch 7.17 as Filebeat asks for; it keeps the bodies of bulk requests."""

    def __init__(self) -> None:
        super().__init__()
        self.bulks: list[list[Event]] = []

    def reply(self, method: str, path: str, body: bytes) -> tuple[int, str, str]:
        answer: object = {"version": {"number": "7.17.29", "build_flavor": "default"}, "cluster_uuid": "1"}
        if path.startswith("/_bulk"):
            self.bulks.append([json.loads(line) for line in body.decode().splitlines()])
            answer = {"errors": False, "items": [{"create": {"status": 201}}] * (len(self.bulks[-1]) // 2)}
        elif path.startswith("/_license"):
            answer = {"license": {"status": "active", "uid": "1", "type": "basic", "mode": "basic"}}
        return 200, "application/json", json.dumps(answer)


@pytest.fixture
def elasticsearch() -> Iterator[Elasticsearch]:
    with Elasticsearch() as server:
        yield server


def test_events_are_created_in_the_data_stream_of_their_service(run_filebeat: Run, tmp_path: Path,
                                                                elasticsearch: Elasticsearch) -> None:
    lay_out(tmp_path, {file_of(0, "server"): cri(js(message="one"), js(message="two"))}, INPUTS[0], host=elasticsearch.url)
    settings = quick(**{"output.elasticsearch.enabled": "true", "output.file.enabled": "false",
                        "output.elasticsearch.compression_level": "0"})
    with run_filebeat(tmp_path, config="etc/filebeat/filebeat.yml", environment=ENVIRONMENT, settings=settings):
        eventually("two documents", lambda: sum(len(bulk) for bulk in elasticsearch.bulks) == 4, 30)
    lines = [line for bulk in elasticsearch.bulks for line in bulk]
    assert lines[::2] == [{"create": {"_index": "logs-obsc.ai.chat-prod"}}] * 2
    assert [line["message"] for line in lines[1::2]] == ["one", "two"]


@pytest.mark.parametrize(("name", "last"), [("cri-framed.log", "prompt dump"), ("docker-json-framed.log", "proxy_headers.py")])
def test_real_logs_of_real_runtimes(run_filebeat: Run, tmp_path: Path, name: str, last: str) -> None:
    source = SHARED / name
    if not source.exists():
        pytest.skip("the shared fixtures are not here")
    lay_out(tmp_path, {file_of(0, "server"): source.read_text()}, INPUTS[0])
    with run_filebeat(tmp_path, config="etc/filebeat/filebeat.yml", environment=ENVIRONMENT, settings=quick()) as running:
        eventually("the last line", lambda: any(last in text for text in messages(running.events())), 30)
        events = running.events()
    started = next(one for one in events if str(one.get("message", "")).startswith("Started server process"))
    assert started["component"] == "uvicorn.error"
    assert any("application\nTraceback (most recent call last):\n  File " in text for text in messages(events))
    assert not any(text.endswith("\n") for text in messages(events))
    # One line has a prompt of more than 16 KiB, so that it comes in parts.
    assert "lorem ipsum" not in json.dumps(events)


def test_the_manifests_are_accepted(cluster: Cluster, consumers: Consumers) -> None:
    artifacts = filebeat.link("prod", [], platform(), BUILT_IN)
    objects = [one.plain for one in artifacts if "/manifests/" in one.path]
    checks.apply(cluster, "---\n".join(emit.to_yaml(one) for one in objects)).require()
    consumers.record("kube-apiserver", tools.version("kube-apiserver"), len(objects))
