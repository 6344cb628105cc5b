"""What keeps tenants apart: for each point of policy a hostile spec that is refused at its line, and one that is allowed.

The platform has two teams. `ml` owns the service `ai/chat` and may raise warnings at most; `search` is somebody else.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser
import pytest

import samples
from conftest import Compile
from obsc import report
from obsc.diagnostics import Severity
from samples import read, rules, told

HEAD = "apiVersion: obsc.dev/v1alpha1\nkind: AIService\n"
METADATA = "metadata: {name: chat, namespace: ai, team: ml}\n"
REST = 'runtime: {name: vllm, version: "0.15"}\nmodels: [{name: llama}]\n'
# It goes on in the block of `alertmanager`, with which the other ends.
PLATFORM = samples.PLATFORM + """\
  teams:
    ml: {namespaces: [ai, ai-batch], maxSeverity: warning, critical: [all], warning: [all]}
    search: {namespaces: [search], critical: [all], warning: [all]}
filebeat: {version: 9.5.2}
elasticsearch: {version: 9.5.2, hosts: ["https://es.example.svc:9200"]}
collector: {version: 0.159.0}
jaeger: {endpoint: "jaeger.example.svc:4317"}
sources: {blackbox: {enabled: true, address: "blackbox:9115", modules: [http_2xx]}}
"""
OPEN = "policy: {targets: ['*', 0.0.0.0/0, '::/0']}\n"
LINE = 6  # of what a spec adds


class Point(NamedTuple):
    """A point of policy: what a spec may not say, the code, what it may say instead, and what the platform adds for either."""

    bad: str
    code: str
    good: str
    platform: str = ""
    metadata: str = ""


def custom(expr: str, **more: str) -> str:
    said = "".join(f", {key}: {value}" for key, value in more.items())
    return f"alerts: {{custom: [{{name: Mine, summary: s, expr: {json.dumps(expr)}{said}}}]}}\n"


def link(url: str) -> str:
    return f"metadata: {{name: chat, namespace: ai, team: ml, links: {{runbooks: {json.dumps(url)}}}}}\n"


def target(address: str) -> str:
    return f"metrics: {{discovery: static, staticConfigs: [{{targets: [{json.dumps(address)}]}}]}}\n"


def probe(url: str) -> str:
    return f"probes: [{{name: front, url: {json.dumps(url)}}}]\n"


def spec(more: str) -> str:
    """A service with some lines more; with `metadata` in them, in place of its own. What is added begins in line 6, or 5."""
    return HEAD + REST + more if more.startswith("metadata:") else HEAD + METADATA + REST + more


POINTS = {
    "enforced": Point("traces: {sampling: {baseline: 50%}}\n", "R204", "traces: {sampling: {baseline: 1%}}\n",
                      "enforced: {traces: {sampling: {baseline: 1%}}}\n"),
    "enforced, in an overlay": Point("environments: {default: {traces: {sampling: {baseline: 50%}}}}\n", "R204",
                                     "environments: {default: {traces: {spans: [load]}}}\n", "enforced: {traces: {sampling: {baseline: 1%}}}\n"),
    "enforced, in a component": Point("components: [{name: w, logs: {format: text}}]\n", "R204", "components: [{name: w, logs: {format: json}}]\n",
                                      "enforced: {logs: {format: json}}\n"),
    "targets": Point(target("gpu.example.com:9400"), "P404", target("chat.ai.svc:9400")),
    "targets, listed": Point(target("chat.ai.svc:9400"), "P404", target("gpu.example.com:9400"), "policy: {targets: ['*.example.com']}\n"),
    "targets of an endpoint": Point("metrics: {discovery: static, endpoints: [{port: 80, staticConfigs: [{targets: ['gpu.example.com:80']}]}]}\n", "P404",
                                    "metrics: {discovery: static, endpoints: [{port: 80, staticConfigs: [{targets: ['chat:80']}]}]}\n"),
    "targets of a component": Point("components: [{name: w, metrics: {discovery: static, staticConfigs: [{targets: ['gpu.example.com:80']}]}}]\n", "P404",
                                    "components: [{name: w, metrics: {discovery: static, staticConfigs: [{targets: ['chat:80']}]}}]\n"),
    "probes": Point(probe("https://chat.example.com/health"), "P404", probe("http://chat.ai.svc/health")),
    "probes, listed": Point(probe("https://chat.example.org/health"), "P404", probe("https://chat.example.com/health"),
                            "policy: {targets: ['*.example.com:443']}\n"),
    "urls": Point(link("http://wiki.example.com/"), "P405", link("https://wiki.example.com/")),
    "urls, listed": Point(link("https://evil.example.org/"), "P405", link("https://git.example.com/team/chat"),
                          "policy: {urls: ['https://git.example.com/team']}\n"),
    "logPaths": Point("logs: {paths: ['/etc/*.log']}\n", "P406", "logs: {paths: ['/var/log/containers/chat-*.log']}\n"),
    "logPaths, listed": Point("logs: {paths: ['/var/log/containers/chat-*.log']}\n", "P406", "logs: {paths: ['/data/logs/chat-*.log']}\n",
                              "policy: {logPaths: [/data/logs]}\n"),
    "crossNamespace": Point(custom('up{namespace="search"}'), "P410", custom('up{namespace="gateways"}'), "policy: {crossNamespace: [gateways]}\n"),
    "allowContent": Point("logs: {redact: []}\n", "P407", "logs: {redact: [ip]}\n"),
    "allowContent, of a component": Point("components: [{name: w, logs: {dropFields: []}}]\n", "P407", "components: [{name: w, logs: {dropFields: [x]}}]\n"),
    "allowInsecure": Point("metrics: {endpoints: [{scheme: https, tlsConfig: {insecureSkipVerify: true}}]}\n", "P408",
                           "metrics: {endpoints: [{scheme: https, tlsConfig: {serverName: chat}}]}\n"),
    "images": Point("workload: {image: 'evil.example.com/x'}\n", "V101", "workload: {container: chat}\n"),
    "a team's namespaces": Point("metadata: {name: chat, namespace: search, team: ml}\n", "P402", "metadata: {name: chat, namespace: ai-batch, team: ml}\n"),
    "a team's namespaces, in an overlay": Point("environments: {default: {metadata: {namespace: search}}}\n", "P402",
                                                "environments: {default: {metadata: {namespace: ai-batch}}}\n"),
    "a team's namespaces, of its objects": Point("workload: {namespaces: [ai, search]}\n", "P402", "workload: {namespaces: [ai, ai-batch]}\n"),
    "teams": Point("metadata: {name: chat, namespace: ai, team: nobody}\n", "R212", METADATA),
    "a rule's team": Point("alerts: {rules: {ServiceDown: {team: nobody}}}\n", "R212", "alerts: {rules: {ServiceDown: {team: search}}}\n"),
    "a custom alert's team": Point(custom("up == 0", team="nobody"), "R212", custom("up == 0", team="search")),
    "a component's team": Point("components: [{name: w, team: nobody}]\n", "R212", "components: [{name: w, team: ml}]\n"),
    "maxSeverity": Point("alerts: {rules: {ServiceDown: {severity: critical}}}\n", "P403", "alerts: {rules: {ServiceDown: {severity: warning}}}\n"),
    "maxSeverity, of a custom alert": Point(custom("up == 0", severity="critical"), "P403", custom("up == 0", severity="warning")),
    "maxSeverity, of an indicator": Point("indicators: [{name: x, value: up, min: 1, severity: critical}]\n", "P403",
                                          "indicators: [{name: x, value: up, min: 1, severity: info}]\n"),
    "maxSeverity, of a component": Point("components: [{name: w, alerts: {rules: {ServiceDown: {severity: critical}}}}]\n", "P403",
                                         "components: [{name: w, alerts: {rules: {ServiceDown: {severity: info}}}}]\n"),
    "matchers": Point("metrics: {discovery: none, matchers: ['namespace=~\".+\"']}\n", "P410", "metrics: {discovery: none, matchers: ['app=\"chat\"']}\n"),
    "a metric's name among matchers": Point("metrics: {discovery: none, matchers: ['__name__=~\".+\"']}\n", "S350",
                                            "metrics: {discovery: none, matchers: ['app=~\".+\"']}\n"),
    "credentials": Point("dashboards: {title: 'ghp_abcdefghijklmnopqrstuvwxyz0123456789'}\n", "P401", "dashboards: {title: ghp}\n"),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_a_hostile_spec_is_refused_at_its_line(point: Point, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": spec(point.bad), "platform.yaml": PLATFORM + point.platform})
    assert point.code in {code for code, _ in told(found)}
    assert {one.place.line for one in found if one.severity is Severity.ERROR} <= {3, 5, LINE}
    assert not [path for path in compiled.tree if "/ai/chat/" in path or "/search/chat/" in path]


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS.keys())
def test_its_decent_sibling_is_compiled(point: Point, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": spec(point.good), "platform.yaml": PLATFORM + point.platform})
    assert told(found) == []
    assert [path for path in compiled.tree if path.endswith("/chat/rules.yaml")]


# Addresses

ADDRESSES = ("169.254.169.254:80", "169.254.170.2:80", "[fe80::1]:80", "[fe80::a9fe:a9fe]:80", "[::ffff:a9fe:a9fe]:80", "[64:ff9b::a9fe:a9fe]:80",
             "[64:ff9b:1::a9fe:a9fe]:80", "[2002:a9fe:a9fe::1]:80", "[::a9fe:a9fe]:80", "2852039166:80", "0xa9fea9fe:80", "0xA9FEA9FE:80", "0251.0376.0251.0376:80",
             "0xa9.0xfe.0xa9.0xfe:80", "169.254.43518:80", "169.16689662:80", "[fd00:ec2::254]:80", "100.100.100.200:80", "168.63.129.16:80", "metadata:80",
             "metadata.google.internal:80", "METADATA.google.internal:80", "instance-data:80", "169.254.169.254.nip.io:80",
             "169-254-169-254.sslip.io:80", "x.169.254.169.254.nip.io:80", "a9fea9fe.nip.io:80", "0.0.0.0:80", "[::]:80", "224.0.0.1:80", "0:80")


@pytest.mark.parametrize("platform", ["", OPEN], ids=["usual", "all targets allowed"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_cloud_metadata_is_out_of_reach_in_every_spelling(address: str, platform: str, compile_texts: Compile) -> None:
    for text in (target(address), probe(f"http://{address}/latest")):
        _, found = compile_texts({"chat.yaml": spec(text), "platform.yaml": PLATFORM + platform})
        assert told(found) == [("P404", LINE)], text
    if not re.fullmatch(r"[0-9x.a-fA-F]+:80", address) or address.startswith("169.254.1"):
        _, found = compile_texts({"chat.yaml": spec(link(f"https://{address}/")), "platform.yaml": PLATFORM + platform})
        assert told(found) == [("P405", 5)]


@pytest.mark.parametrize("url", ["http://169。254。169。254/", "http://①69.254.169.254/", "http://[::ffff:169.254.169.254]/", "http://169.254.169.254%00.chat/",
                                 "http://%31%36%39.254.169.254/", "http://chat:99999/", "http://chat:0/", "http://chat:abc/", "http://[::1", "http:///x", "http://?x",
                                 "http://localhost/", "http://ip6-localhost/", "http://x.localhost/", "http://[::1]/", "http://127.0.0.1/", "http://127.1/",
                                 "http://metadata.google.internal./"])
def test_a_probe_asks_nothing_that_is_oddly_spelled(url: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(probe(url)), "platform.yaml": PLATFORM})
    assert [line for _, line in told(found)] == [LINE]
    assert {code for code, _ in told(found)} <= {"P404", "V104"}


@pytest.mark.parametrize("url", ["http://a@169.254.169.254/", "http://chat.ai.svc@169.254.169.254/", "http://chat.ai.svc:80@169.254.169.254/",
                                 "http://169.254.169.254#@chat.ai.svc/", "http://user:word@chat.ai.svc/"])
def test_user_info_leads_nobody_astray(url: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(probe(url)), "platform.yaml": PLATFORM + OPEN})
    assert told(found) == [("P401", LINE)]


@pytest.mark.parametrize("url", [
    "https://git.example.com.evil.example/", "https://git.example.community/team/", "http://git.example.com/team/", "https://git.example.com:8443/team/",
    "https://git.example.com/team/../other", "https://git.example.com/team/%2e%2e/other", "https://git.example.com/teams", "https://git.example.com",
    "https://evil.example/?https://git.example.com/team/", "https://git.example.com。evil.example/team/", "https://[::1", "https://git.example.com:99999/team/"])
def test_links_stay_below_the_platforms_prefixes(url: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(link(url)), "platform.yaml": PLATFORM + "policy: {urls: ['https://git.example.com/team']}\n"})
    assert told(found) == [("P405", 5)]


@pytest.mark.parametrize("url", ["https://git.example.com/team", "https://git.example.com/team/", "https://git.example.com:443/team/a/b.md?x=1#y",
                                 "https://GIT.example.com/team/x"])
def test_links_below_a_prefix_are_kept(url: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(link(url)), "platform.yaml": PLATFORM + "policy: {urls: ['https://git.example.com/team/']}\n"})
    assert told(found) == []


def test_labels_of_a_target_cannot_place_it_in_another_namespace(compile_texts: Compile) -> None:
    text = "metrics: {discovery: static, staticConfigs: [{targets: ['chat:80'], labels: {namespace: search, job: search, service: x}}]}\n"
    compiled, found = compile_texts({"chat.yaml": spec(text), "platform.yaml": PLATFORM})
    assert told(found) == []
    [job] = read(compiled.tree["default/artifacts/ai/chat/scrape.yaml"])["scrape_configs"]
    fixed = {step["target_label"]: step["replacement"] for step in job["relabel_configs"]}
    assert fixed == {"job": "chat", "namespace": "ai", "service": "chat"}


@pytest.mark.parametrize("said", ["team: search", "namespace: search", "severity: critical", "alertname: Mine", "service: other"])
def test_labels_of_a_service_redirect_no_alert(said: str, compile_texts: Compile) -> None:
    text = f"metadata: {{name: chat, namespace: ai, team: ml, labels: {{{said}, tier: gold}}}}\n"
    compiled, found = compile_texts({"chat.yaml": spec(text), "platform.yaml": PLATFORM})
    assert told(found, Severity.WARNING) == [("T501", 5)]
    alerts = [rule["labels"] for rule in rules(compiled.tree) if "alert" in rule]
    assert {(one["team"], one["namespace"], one["service"], one["tier"]) for one in alerts} == {("ml", "ai", "chat", "gold")}
    assert "critical" not in {one["severity"] for one in alerts}


# Written PromQL

FOREIGN = ('up{namespace="search"}', 'up{namespace=~".+"}', 'up{namespace=~"search"}', 'up{namespace!="ai"}', 'up{namespace!~"ai"}', 'up{namespace=""}',
           'up{exported_namespace="search"}', 'up{namespace="ai",exported_namespace="search"}', '{__name__=~".+",namespace="search"}',
           '{"up",namespace="search"}', 'up{"namespace"="search"}', 'up or up{namespace="search"}', 'up unless on () up{namespace=~"s.*"}',
           'sum(up) / on () sum(up{namespace="search"})', 'absent(up{namespace="search"})', 'max_over_time(up{namespace="search"}[5m:1m])',
           'label_replace(up{namespace="search"}, "namespace", "ai", "", "")', 'ALERTS{namespace="search"}', 'kube_pod_info{namespace="search"}',
           'up # {namespace="ai"}\n{namespace="search"}', "up{namespace=`search`}", "up{namespace='search'}", 'up{namespace="\\x73earch"}')
PLACES = {
    "a custom alert": custom, "an indicator": lambda expr: f"indicators: [{{name: x, value: {json.dumps(expr)}, max: 3}}]\n",
    "a ratio": lambda expr: f"indicators: [{{name: x, ratio: {{numerator: {json.dumps(expr)}, denominator: up}}, max: 3}}]\n",
    "a panel": lambda expr: f"dashboards: {{panels: [{{title: t, expr: {json.dumps(expr)}}}]}}\n",
    "a component": lambda expr: "components: [{name: w, " + custom(expr).rstrip() + "}]\n",
    "an alert without scope": lambda expr: custom(expr, scope="false"),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("expr", FOREIGN)
def test_no_expression_reads_another_namespace(expr: str, place: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(PLACES[place](expr)), "platform.yaml": PLATFORM})
    assert {line for _, line in told(found)} == {LINE}
    assert {code for code, _ in told(found)} <= ({"P410", "S350"} if place == "a ratio" else {"P410"})


@pytest.mark.parametrize("expr", ["up", '{__name__=~"up|x"}', 'up or on () {__name__=~".+"}', "kube_pod_info", "ALERTS", "node_memory_MemFree_bytes",
                                  'up{job=~".*"}', 'vllm:num_requests_running{job="search"}', "other:recorded:rate5m", 'up{kubernetes_namespace="search"}',
                                  'up{Namespace="search"}', "sum by (namespace) (up)", "count by (job) ({job=~'.+'})", "min_over_time(up[5m:1m])"])
def test_what_names_no_namespace_reads_its_own(expr: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": spec(custom(expr)), "platform.yaml": PLATFORM})
    assert told(found) == []
    [written] = [rule["expr"] for rule in rules(compiled.tree) if rule.get("alert") == "Mine"]
    confined = [{(one.name, str(one.op), one.value) for one in selector.matchers.matchers} for selector in selectors(written)]
    assert confined
    assert all(("namespace", "MatchOp.Equal", "ai") in one for one in confined), written


def selectors(expr: str) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> bool:  # noqa: ANN401
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        return True

    promql_parser.walk(promql_parser.parse(expr), visit, None)
    return found


def test_every_expression_without_scope_says_where_it_reads(compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(custom('sum(up) + sum(up{namespace="ai"})', scope="false")), "platform.yaml": PLATFORM})
    assert told(found) == [("P410", LINE)]


# Logs


@pytest.mark.parametrize("path", ["/var/log/*", "/var/log/**", "/**", "/var/log/containersx/a.log", "/var/log/containers/../../../etc/passwd",
                                  "/var/log/./containers/../x", "/var/log/containers", "/proc/1/environ", "/var/log/pods/../../lib/secret"])
def test_logs_are_read_in_the_platforms_folders(path: str, compile_texts: Compile) -> None:
    _, found = compile_texts({"chat.yaml": spec(f"logs: {{paths: ['{path}']}}\n"), "platform.yaml": PLATFORM})
    assert told(found) == [("P406", LINE)]


@pytest.mark.parametrize("kind", ["Deployment", "None"])
@pytest.mark.parametrize("path", ["/var/log/containers/*.log", "/var/log/containers/**", "/var/log/containers/*_search_*.log", "/var/log/pods/*/*/*.log",
                                  "/var/log/pods/{ai_x,search_y}*/a/b.log", "/var/log/pods/search_*/*/*.log"])
def test_a_wide_path_reads_the_files_of_ones_own_namespace(kind: str, path: str, compile_texts: Compile) -> None:
    more = f"workload: {{kind: {kind}}}\nlogs: {{paths: ['{path}']}}\n" + ("metrics: {discovery: none, matchers: ['app=\"chat\"']}\n" if kind == "None" else "")
    compiled, found = compile_texts({"chat.yaml": spec(more), "platform.yaml": PLATFORM})
    assert told(found) == []
    patterns = list(includes(read(compiled.tree["default/artifacts/ai/chat/filebeat.yaml"])))
    assert patterns
    digest = "0" * 64
    foreign = (f"/var/log/containers/chat-6b7d9c8f5-abcde_search_main-{digest}.log", "/var/log/pods/search_chat-6b7d9c8f5-abcde_0a1b-2c/main/0.log")
    own = (f"/var/log/containers/chat-6b7d9c8f5-bcdfg_ai_main-{digest}.log", "/var/log/pods/ai_chat-6b7d9c8f5-bcdfg_0a1b-2c/main/0.log")
    assert not [name for name in foreign for pattern in patterns if re.search(pattern, name)]
    assert [name for name in own for pattern in patterns if re.search(pattern, name)]


def includes(data: Any) -> Iterator[str]:  # noqa: ANN401
    if isinstance(data, dict):
        for key, value in data.items():
            yield from (one.replace("$$", "$") for one in value) if key == "include_files" else includes(value)
    elif isinstance(data, list):
        for one in data:
            yield from includes(one)


@pytest.mark.parametrize(("one", "other"), [
    ("workload: {name: [chat, other]}\n", "workload: {name: chat}\n"),
    ("logs: {paths: ['/data/logs/*.log']}\n", "logs: {paths: ['/data/logs/other-*.log']}\n"),
    ("logs: {paths: ['/data/logs/[a-m]*.log']}\n", "logs: {paths: ['/data/logs/??o*']}\n")])
def test_no_file_is_read_for_two_services(one: str, other: str, compile_texts: Compile) -> None:
    def both(second: str) -> list[tuple[str, int]]:
        platform = PLATFORM + ("policy: {logPaths: [/data/logs]}\n" if "/data" in one else "")
        kind = "workload: {kind: External}\nmetrics: {discovery: static, staticConfigs: [{targets: ['chat:80']}]}\n" if "/data" in one else ""
        texts = {"a.yaml": spec(kind + one), "b.yaml": spec(kind + second).replace("name: chat,", "name: other,")}
        return told(compile_texts({**texts, "platform.yaml": platform})[1])

    assert {code for code, _ in both(other)} == {"S322"}
    assert both("logs: {paths: ['/data/logs/zzz/*.log']}\n" if "/data" in one else "workload: {name: another}\n") == []


# Privacy


UNION = "defaults: {logs: {dropFields: [from_defaults], redact: [ip]}}\nprofiles: {p: {logs: {dropFields: [from_profile]}}}\nenforced: {logs: {dropFields: [from_enforced]}}\n"


@pytest.mark.parametrize("said", ["logs: {dropFields: [own]}\n", "logs: {dropFields: null}\nenvironments: {default: {logs: {dropFields: [own]}}}\n",
                                  "logs: null\nenvironments: {default: {logs: {dropFields: [own]}}}\n"])
def test_no_layer_takes_back_what_another_drops(said: str, compile_texts: Compile) -> None:
    compiled, found = compile_texts({"chat.yaml": spec("profile: p\n" + said), "platform.yaml": PLATFORM + UNION})
    assert told(found) == []
    made = compiled.tree["default/artifacts/ai/chat/filebeat.yaml"].decode()
    assert [word for word in ("from_defaults", "from_profile", "from_enforced", "own") if word not in made] == []


# Credentials


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ACCOUNT = json.dumps({"type": "service_account", "project_id": "p", "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----\n"})
DOCKER = json.dumps({"auths": {"registry.example.com": {"auth": encoded("somebody:hunter2hunter2")}}})
SHAPES = {
    "a key in PEM": "-----BEGIN RSA PRIVATE KEY-----", "a key of OpenSSH": "-----BEGIN OPENSSH PRIVATE KEY-----", "a key of PGP": "-----BEGIN PGP PRIVATE KEY BLOCK-----",
    "a key in PEM, encoded": encoded("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIO\n-----END EC PRIVATE KEY-----\n"),
    "a service account": ACCOUNT, "a service account, encoded": encoded(ACCOUNT),
    "a service account, encoded with lines": encoded(json.dumps(json.loads(ACCOUNT), indent=2)),
    "a service account, encoded for URLs": base64.urlsafe_b64encode(ACCOUNT.encode()).decode(),
    "a registry's login": DOCKER, "a registry's login, encoded": encoded(DOCKER),
    "user info": "https://somebody:hunter2hunter2@example.com/x", "a token in user info": "https://tok3n@example.com/x", "a database": "postgres://u:pw@db/x",
    "a query": "https://example.com/?access_token=AbCd1234EfGh5678", "a web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dGVzdA",
    "GitHub": "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "AWS": "AKIAIOSFODNN7EXAMPLE", "OpenAI": "sk-proj-T3BlbkFJ9x8Qw7Zr5Yt2Vu1Np",
    "Slack": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "Hugging Face": "hf_abcdefghijklmnopqrstuvwxyzABCDEFGH",
    "age": "AGE-SECRET-KEY-1QQPQYRZ0AKC2S9FGS6PX3DE8V4K7T0JXWNM5QH2LYC4U8EFRTG", "DigitalOcean": "dop_v1_" + "a1b2c3d4" * 8, "Databricks": "dapi" + "a1b2c3d4" * 4,
    "Google OAuth": "GOCSPX-abcdefghijklmnopqrstuvwxyz12", "Terraform": "a1b2c3d4e5f6g7.atlasv1." + "Abc123-_" * 8,
    "an assignment": "DB_PASSWORD=hunter2hunter2",
}
LEAVES = {
    "a description": "metadata: {{name: chat, namespace: ai, team: ml, description: {}}}\n", "a label": "metadata: {{name: chat, namespace: ai, team: ml, labels: {{x: {}}}}}\n",
    "a link": "metadata: {{name: chat, namespace: ai, team: ml, links: {{x: {}}}}}\n", "a served name": "models: [{{name: llama, servedName: {}}}]\n",
    "an option": "runtime: {{name: vllm, options: {{x: {}}}}}\n", "a selector": "workload: {{selector: {{x: {}}}}}\n", "a matcher": "metrics: {{matchers: [{}]}}\n",
    "an expression": "alerts: {{custom: [{{name: Mine, summary: s, expr: {}}}]}}\n", "a summary": "alerts: {{custom: [{{name: Mine, summary: {}, expr: up}}]}}\n",
    "a panel": "dashboards: {{panels: [{{title: {}, expr: up}}]}}\n", "a probe": "probes: [{{name: x, url: {}}}]\n", "a target": "metrics: {{staticConfigs: [{{targets: [{}]}}]}}\n",
    "a target's label": "metrics: {{staticConfigs: [{{targets: ['chat:80'], labels: {{x: {}}}}}]}}\n", "a path": "logs: {{paths: [{}]}}\n", "a field": "logs: {{dropFields: [{}]}}\n",
    "a span": "traces: {{spans: [{}]}}\n", "a credential": "metrics: {{endpoints: [{{authorization: {{credentials: {}}}}}]}}\n", "an overlay": "environments: {{default: {{dashboards: {{title: {}}}}}}}\n",
    "a component": "components: [{{name: w, workload: {{container: {}}}}}]\n", "an unknown key": "nonsense: {}\n", "a key": "environments: {{default: {{metadata: {{labels: {{{}: x}}}}}}}}\n",
}


@pytest.mark.parametrize("leaf", LEAVES)
def test_no_text_of_a_spec_may_be_a_credential(leaf: str, compile_texts: Compile) -> None:
    for name, secret in SHAPES.items():
        more = LEAVES[leaf].format(json.dumps(secret))
        text = HEAD + "".join(line for line in (METADATA + REST).splitlines(keepends=True) if line.partition(":")[0] != more.partition(":")[0]) + more
        compiled, found = compile_texts({"chat.yaml": text, "platform.yaml": PLATFORM})
        assert "P401" in {code for code, _ in told(found)}, name
        sources = compiled.sources
        assert not [form for form in report.FORMS if secret in report.render(found, sources, form)], name
        assert not [path for path, raw in compiled.tree.items() if secret.encode() in raw], name


@pytest.mark.parametrize("text", ["meta-llama/Llama-3.1-70B-Instruct", "sha256:" + "a1b2c3d4" * 8, "https://git.example.com/a/b?ref=main", "eyebrow", encoded('{"a": 1, "b": "plain"}'),
                                  "-----BEGIN CERTIFICATE-----", "support-chat-2024-11-05-rc1", "a: b", "auth is done by the gateway", "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t"])
def test_what_is_no_credential_is_not_taken_for_one(text: str, compile_texts: Compile) -> None:
    more = f"metadata: {{name: chat, namespace: ai, team: ml, description: {json.dumps(text)}}}\n"
    _, found = compile_texts({"chat.yaml": spec(more), "platform.yaml": PLATFORM})
    assert told(found) == []
