from __future__ import annotations

import re
from typing import get_args

import pytest

from obsc import privacy
from obsc.spec.logs import Logs, MaskName

SECRETS = (
    "sk-abcdefghijklmnopqrstuvwx", "sk-proj-abcdefghijklmnopqrstuvwx", "sk_live_abcdefghijklmnopqrst", "hf_abcdefghijklmnopqrstuv",
    "nvapi-abcdefghijklmnopqrstuv", "AIzaSyA1234567890abcdefghijklmnopqrstu", "AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_pat_abcdefghijklmnopqrstuvwxyz01234", "glpat-abcdefghijklmnopqrst",
    "xoxb-1234567890-abcdef", "https://hooks.slack.com/services/T000/B000/abcdefgh", "Bearer abcdefgh.ijkl", "Basic dXNlcjpwYXNz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-def_ghi", "postgres://user:pass@db:5432/x", "password=hunter2hunter",
    'api_key: "abcdef123"', "OPENAI_API_KEY=abcdef", "client_secret='abcdef'", "db.password = verysecret",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
)
NO_SECRETS = (
    "sk-short", "task-abcdefghijklmnopqrstuvwxyz", "disk-usage-of-all-the-volumes-is-high", "the password is wrong", "secret: none",
    "tokens=812 prompt_tokens: 900", "gen_ai.usage.input_tokens=812812", "https://example.com/a@b", "Bearer x", "keyboard=qwerty1234",
)
EMAILS = ("bob@example.com", "b.o-b+x@mail.example.co.uk", "müller@example.de", "BOB@EXAMPLE.COM", "bob@bücher.example")
NO_EMAILS = ("pkg@1.2.3", "@decorator", "bob at example.com", "user@host", "a @ b.com", "registry/image@sha256:abc")
CARDS = (
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "5500005555555559", "2221 0000 0000 0009", "6011000990139424",
    "3530111333300000", "378282246310005", "3782 822463 10005", "30569309025904", "3056 930902 5904", "4111 1111-1111 1111",
)
NO_CARDS = (
    "1795396468924877606", "1795396468924", "1234 5678 9012 3456", "9f1c2ab04111111111111111", "4111111111111111a", "4111",
    "2026-11-23 01:17:59.443", "41111111-1111-1111-1111-111111111111", "0.4111111111111111111111", "411111111111111111111111",
)
IBANS = ("DE89370400440532013000", "DE89 3704 0044 0532 0130 00", "GB29 NWBK 6016 1331 9268 19", "NO93 8601 1117 947",
         "FR14 2004 1010 0505 0001 3M02 606", "NL91-ABNA-0417-1643-00")
NO_IBANS = ("DE89", "UTF16 TEXT THAT GOES ON FOR LONG", "AB12CDEFGHIJKLMNOPQR", "GPU00 A100 SXM4 80GB", "SHA256ABCDEF0123456789",
            "de89370400440532013000")
PHONES = ("+49 30 1234567", "+1 415 555 0100", "+1 (415) 555-0100", "(415) 555-0100", "415-555-0100", "+442071838750",
          "0049 30 1234567", "+33 1 23 45 67 89")
NO_PHONES = (
    "2026-11-23T01:17:59.443", "2026-11-23 01:17:59,443", "1.20.300.4000", "v0.15.0-rc1", "request 9f1c2ab0", "1795396468924877606",
    "10.15.36.1", "25e5f12b-23c0-471f-b0c9-06e162908546", "pid=174579", "18:43:44.778509 1525575 grpc_server.cc:2579", "+0000",
    "2026-11-23T01:14:53+1000", "max_total_num_tokens=712400", "8192-16384-50", "+5 more", "127.0.0.1:49584",
)
ADDRESSES = ("10.15.36.1", "255.255.255.255", "fe80:0:0:0:202:b3ff:fe1e:8329", "2001:db8::8a2e:370:7334")
NO_ADDRESSES = ("256.1.1.1", "1.2.3", "01:17:59", "std::vector", "a:b:c")
SAMPLES = {"secret": (SECRETS, NO_SECRETS), "email": (EMAILS, NO_EMAILS), "card": (CARDS, NO_CARDS), "iban": (IBANS, NO_IBANS),
           "phone": (PHONES, NO_PHONES), "ip": (ADDRESSES, NO_ADDRESSES)}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, (found, _) in SAMPLES.items() for text in found])
def test_private_values_are_found_whole(name: str, text: str) -> None:
    masked = re.sub(privacy.MASKS[name].pattern, "#", f"about {text} it")
    assert masked.startswith("about")
    assert masked.endswith(" it")
    rest = masked.removeprefix("about ").removesuffix(" it")
    assert "#" in rest
    # An address of a server may keep its host, a webhook its scheme.
    assert not re.search(r"[A-Za-z0-9]", rest) or "://" in text


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, (_, not_found) in SAMPLES.items() for text in not_found])
def test_other_values_stay(name: str, text: str) -> None:
    assert re.search(privacy.MASKS[name].pattern, f"about {text} it") is None


@pytest.mark.parametrize("text", [text for found, _ in SAMPLES.values() for text in found])
def test_in_order_no_mask_leaves_half_of_what_another_would_take(text: str) -> None:
    for name in privacy.ORDER:
        text = re.sub(privacy.MASKS[name].pattern, "#", text)
    assert not re.search(r"\d{5}|@[a-z]", text) or "://" in text


def test_every_mask_of_the_language_exists_and_its_default_is_the_usual_set() -> None:
    assert set(get_args(MaskName)) == set(privacy.MASKS) == set(privacy.ORDER)
    assert set(Logs().redact) == set(privacy.USUAL_MASKS)


def test_expressions_keep_to_what_all_engines_share() -> None:
    for expression in (*(mask.pattern for mask in privacy.MASKS.values()), *privacy.CONTENT_ATTRIBUTES, privacy.CONTENT_IN_TEXT,
                       privacy.CREDENTIAL_KEYS, privacy.EVENT_ATTRIBUTES, privacy.EVENT_NAMES):
        re.compile(expression)
        # Neither look-around, nor named groups, nor flags, nor possessive or back references: RE2 and ECMAScript 5 differ there.
        assert not re.search(r"(?<!\\)\(\?[^:]|\\[1-9pPAzZQ]|[*+?}]\+", expression), expression


CONTENT = (
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt", "gen_ai.prompt.0.content",
    "gen_ai.completion.0.role", "gen_ai.tool.definitions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.content.prompt",
    "gen_ai.event.content", "llm.prompts", "llm.completions.0.content", "llm.input_messages.0.message.content",
    "llm.output_messages.0.message.tool_calls", "llm.prompt_template.variables", "input.value", "output.value", "input.messages",
    "retrieval.documents.0.document.content", "reranker.query", "embedding.text", "embedding.embeddings.0.embedding.text",
    "traceloop.entity.input", "traceloop.prompt.template", "langfuse.observation.input", "mlflow.spanInputs", "ai.prompt",
    "ai.prompt.messages", "ai.response.text", "ai.toolCall.args", "prompt", "user_prompt", "completion", "messages", "inputs", "output",
    "query", "question", "request_body", "response_text", "http.request.body.content", "http.response.body", "messaging.message.body",
)
MEASUREMENTS = (
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.prompt_tokens", "gen_ai.usage.completion_tokens",
    "gen_ai.request.model", "gen_ai.response.model", "gen_ai.response.id", "gen_ai.response.finish_reasons", "gen_ai.request.max_tokens",
    "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.system", "gen_ai.conversation.id", "gen_ai.tool.name", "gen_ai.tool.call.id",
    "gen_ai.latency.time_to_first_token", "llm.usage.total_tokens", "llm.token_count.prompt", "llm.model_name", "input.mime_type",
    "ai.usage.promptTokens", "ai.response.finishReason", "ai.model.id", "http.request.body.size", "http.response.status_code",
    "input_tokens", "output_tokens", "prompt_tokens", "completion_tokens", "duration_ms", "num_prompts", "service.name", "k8s.pod.name",
    "exception.message", "db.query.summary", "error.type", "output_format", "content_length",
)


@pytest.mark.parametrize("key", CONTENT)
def test_attributes_that_carry_content_are_known(key: str) -> None:
    assert any(re.search(pattern, key) for pattern in privacy.CONTENT_ATTRIBUTES)


@pytest.mark.parametrize("key", MEASUREMENTS)
def test_measurements_are_no_content_and_no_credentials(key: str) -> None:
    assert not [pattern for pattern in (*privacy.CONTENT_ATTRIBUTES, privacy.CREDENTIAL_KEYS) if re.search(pattern, key, re.IGNORECASE)]
    assert key not in privacy.CONTENT_KEYS


@pytest.mark.parametrize("key", ["password", "db.password", "DB_PASSWORD", "api_key", "X-Api-Key", "apiKey", "client_secret", "Authorization",
                                 "http.request.header.authorization", "set-cookie", "access_token", "private-key", "session.token"])
def test_keys_that_name_credentials_are_known(key: str) -> None:
    assert re.search(privacy.CREDENTIAL_KEYS, key, re.IGNORECASE)


@pytest.mark.parametrize(("text", "kept"), [
    ("bad prompt: tell me", "bad prompt: "), ("user_prompt='x'", "user_prompt="), ('{"messages": [{"role"', '{"messages": '),
    ("Prompt = x", "Prompt = "), ("self.completion=x", "self.completion="), ('{\\"prompt\\": \\"x', '{\\"prompt\\": '),
    ("prompt: 3 little pigs", "prompt: "), ("tool_calls=[1]", "tool_calls="),
])
def test_content_in_text_is_found_where_it_begins(text: str, kept: str) -> None:
    found = re.search(privacy.CONTENT_IN_TEXT, text, re.IGNORECASE)
    assert found is not None
    assert text[:found.start()] + found[1] == kept


@pytest.mark.parametrize("text", ["prompt: 12, completion: 3", "Avg prompt throughput: 5.1 tokens/s", "num_prompts=5", "prompt_tokens=12",
                                  "max_completion_tokens: many", "no messages", "prompting: x"])
def test_counts_in_text_are_no_content(text: str) -> None:
    assert re.search(privacy.CONTENT_IN_TEXT, text, re.IGNORECASE) is None


def test_content_keys_are_sorted_and_each_once() -> None:
    assert list(privacy.CONTENT_KEYS) == sorted(set(privacy.CONTENT_KEYS))
    assert {"prompt", "completion", "messages", "input", "output", "gen_ai.input.messages", "gen_ai.output.messages",
            "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result"} <= set(privacy.CONTENT_KEYS)
