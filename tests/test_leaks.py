"""A credential that was pasted into a spec is never printed: in no message, no hint, no JSON and no line that is shown.

That holds whatever else is wrong on its line, and in files that are no YAML. A caret's line may show stars instead.
"""

from __future__ import annotations

import pytest

from obsc import pipeline, report
from obsc.diagnostics import Severity, Sink
from obsc.source import load

HEAD = """\
apiVersion: obsc.dev/v1alpha1
kind: AIService
metadata: {name: chat, namespace: ai, team: chat}
runtime: {name: custom}
"""
# Random, plain, and in a form that an issuer gave it; put together so that no scanner takes this file for a leak.
TOKEN, WORD, ISSUED = "aB3dE5fG7hI9" + "jK1lM3nO5", "hunter2" + "hunter2", "AKIA" + "IOSFODNN7EXAMPLE"
KEY_FILE = "secret: |\n  -----BEGIN RSA " + "PRIVATE KEY-----\n  MIIEpAIBAAKCAQEA{}x1" + "2345abcdef99xyz\n"
# What is pasted, with what else is wrong there; and the part of it that must not be seen.
PASTED = {
    "under an unknown key": (f"password: {WORD}\n", WORD),
    "a passphrase": ("password: correct horse battery\n", "horse"),
    "in a list, with another mistake": (f"metrics: {{endpoints: [{{port: no!, token: {TOKEN}}}]}}\n", TOKEN),
    "a number with a zero first": ("password: 012345678\n", "12345678"),
    "a number in base 60": ("password: 12:34:56:07\n", "12:34"),
    "a number with underscores": ("password: 1_000_000_1\n", "1_000_000_1"),
    "taken for an alias": (f"password: *{WORD}\n", WORD),
    "an issued alias": (f"x: *{ISSUED}\n", ISSUED),
    "taken for a tag": (f"password: !{WORD} x\n", WORD),
    "taken for an anchor": (f"password: &{WORD}\n", WORD),
    "taken for a directive": (f"password: %{TOKEN}\n", TOKEN),
    "on the next line, with an unseen character": ("password:\n  hunter2\u200bhunter2\n", "hunter2"),
    "cut by an unseen character": ("x: " + ISSUED.replace("NN", "N\u200bN") + "\n", "AKIAIOSFODN"),
    "a key, twice": (f"{ISSUED}: 1\n{ISSUED}: 2\n", ISSUED),
    "a key with spaces behind it, twice": (f'"password" : {WORD}\n"password" : {WORD}\n', WORD),
    "a key file with an unseen character": (KEY_FILE.format("\u200b"), "MIIEpAIB"),
    "a key file that ends early": (KEY_FILE.format("") + " MIIEpAIBAAKCAQEAx12345abcdef99xyz\n", "MIIEpAIB"),
    "over two lines": (f'token: "aB3dE5fG7\n  {TOKEN}\u200b"\n', TOKEN),
    "folded": (f"password: x\n  {WORD}\u200b\n", WORD),
    "a list under a telling key": (f"tokens:\n- {WORD}\u200b\n", WORD),
    "behind a quote that is not closed": (f'password: "{WORD}\n', WORD),
    "with a second colon": (f"password: {WORD}: x\n", WORD),
    "in brackets that are not closed": (f"{{password: {WORD}, ]\n", WORD),
    "in a comment": (f"# password: {WORD}\u200b\n", WORD),
    "as an environment sets it": (f'x: ["DB_PASSWORD={WORD}", "\u200b"]\n', WORD),
    "where a reference belongs": (f"metrics: {{endpoints: [{{authorization: {{credentials: {WORD} {WORD}}}}}]}}\n", WORD),
    "in a title": (f'dashboards: {{title: "Server=x;Password={WORD}"}}\n', WORD),
    "in a title, as JSON": (f"""dashboards: {{title: '{{"password": "{WORD}"}}'}}\n""", WORD),
    "in a title, as an environment sets it": (f'dashboards: {{title: "API_KEY={TOKEN}"}}\n', TOKEN),
    "in a list of keys": (f"logs: {{dropFields: [{ISSUED}]}}\n", ISSUED),
    "in Windows-1252": (f"password: {WORD} \udce9\n", WORD),
}


@pytest.mark.parametrize(("text", "secret"), PASTED.values(), ids=PASTED.keys())
def test_a_pasted_credential_is_an_error_and_never_printed(text: str, secret: str) -> None:
    sink = Sink()
    sources = {"chat.yaml": load("chat.yaml", (HEAD + text).encode("utf-8", "surrogateescape"), sink)}
    compiled = pipeline.compile_specs(sources, sink)
    found = [one for one in sink if one.place.file == "chat.yaml"]
    assert any(one.severity is Severity.ERROR for one in found)
    assert not [form for form in report.FORMS if secret in report.render(found, compiled.sources, form)]
    assert not [path for path, raw in compiled.tree.items() if secret.encode() in raw]


def test_stars_keep_the_caret_where_it_is() -> None:
    sink = Sink()
    text = HEAD + f"logs: {{enabled: 3, token: {TOKEN}}}\n"
    sources = {"chat.yaml": load("chat.yaml", text.encode(), sink)}
    compiled = pipeline.compile_specs(sources, sink)
    lines = report.render(sink, compiled.sources).splitlines()
    at = lines.index(f" 5 | logs: {{enabled: 3, token: {'*' * len(TOKEN)}}}")
    assert lines[at + 1] == "   |                 ^"


def test_references_to_secrets_are_shown() -> None:
    sink = Sink()
    text = HEAD + "metrics: {endpoints: [{authorization: {credentials: {name: scrape-token, kye: token}}}]}\n"
    sources = {"chat.yaml": load("chat.yaml", text.encode(), sink)}
    compiled = pipeline.compile_specs(sources, sink)
    assert "credentials: {name: scrape-token, kye: token}" in report.render(sink, compiled.sources)
