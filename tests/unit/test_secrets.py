from __future__ import annotations

import random
import string
import time
import uuid

import pytest

from obsc.secrets import looks_like_credential, masked

ALPHANUMERIC = string.ascii_letters + string.digits
# Put together here, so that no scanner of repositories takes this file for a leak.
ISSUED = {
    "JSON web token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "x" * 20,
    "model provider": "sk-" + "proj-" + "a1B2c3D4" * 5,
    "Hugging Face": "hf_" + "aBcDeFgHiJ" * 3,
    "AWS": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub": "ghp_" + "a1B2c3D4e5" * 4,
    "GitLab": "glpat-" + "a1B2c3D4e5" * 2,
    "Slack token": "xoxb-" + "123456789012-abcdef",
    "Slack webhook": "https://hooks.slack.com/services/" + "T00000000/B00000000/" + "x1" * 12,
    "NVIDIA": "nvapi-" + "a1B2c3D4e5" * 4,
    "Grafana": "glsa_" + "a1B2c3D4e5" * 3,
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIE",
    "user and password": "postgres://chat:" + "letmein@db.example.com/chat",
    "user info": "https://token" + "@git.example.com/chat",
    "bearer": "Authorization: Bearer " + "a1B2c3D4e5f6G7h8",
    "query": "https://example.com/hook?token=" + "a1B2c3D4e5f6G7h8",
}
HARMLESS = [
    "", "chat", "Answers support chats.", "conversational-ai", "https://git.example.com/ai/chat", "https://medium.com/@ai/chat",
    "ml-oncall@example.com", "ssh://git@git.example.com/chat", "sk-learn-model-serving-in-production-2", "risk-assessment-model-2024",
    "meta-llama/Llama-3.1-70B-Instruct", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "Bearer of good news and of bad news", "https://example.com/?token=the-name-of-a-token", "/var/log/containers/*ai*.log",
    'app="support-chat"', "vllm:time_to_first_token_seconds",
]


@pytest.mark.parametrize("text", ISSUED.values(), ids=ISSUED.keys())
def test_a_credential_is_known_by_its_form_under_any_key(text: str) -> None:
    assert looks_like_credential(text)
    assert looks_like_credential(f"see {text} for more")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_specs_hold_is_no_credential(text: str) -> None:
    assert not looks_like_credential(text)
    assert not looks_like_credential(text, "description")


@pytest.mark.parametrize("key", ["password", "dbPassword", "api_key", "apiKey", "api-key", "token", "accessToken", "clientSecret",
                                 "routingKey", "credentials", "WEBHOOK_SECRET"])
def test_random_text_is_a_credential_under_a_telling_key(key: str) -> None:
    chance = random.Random(1)
    texts = ["".join(chance.choices("0123456789abcdef", k=32)) for _ in range(50)]
    texts += [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(50)]
    texts += ["".join(chance.choices(ALPHANUMERIC, k=40)) for _ in range(50)]
    assert sum(looks_like_credential(text, key) for text in texts) >= 148
    assert not any(looks_like_credential(text, "version") for text in texts)


@pytest.mark.parametrize(("key", "text"), [
    ("secretName", "elasticsearch-filebeat-2024-prod-01"), ("token", "scrape-token"), ("tokens", "gpt-4o-mini-2024-07-18"),
    ("name", "8f14e45fceea167a5a36dedd4bea2543"), ("password", "${PASSWORD}"), ("password", "<password>"),
    ("token", "/var/run/secrets/kubernetes.io/serviceaccount/token"), ("password", "changeme"), ("key", "routing-key"),
    ("max_tokens", "5"), ("apiKey", "the key of the service")])
def test_names_paths_and_placeholders_are_no_credentials(key: str, text: str) -> None:
    assert not looks_like_credential(text, key)


def test_a_password_needs_not_be_random() -> None:
    assert looks_like_credential("letmein", "password")


@pytest.mark.parametrize("piece", ["a", "eyJ", "a://", "sk-", "-----BEGIN ", "Bearer ", "https://a:", "a-", "token: ", '"', " "])
def test_a_long_text_is_searched_in_linear_time(piece: str) -> None:
    short, long = piece * (20_000 // len(piece)), piece * (400_000 // len(piece))
    before = time.process_time()
    looks_like_credential(short, "password")
    masked(short)
    middle = time.process_time()
    looks_like_credential(long, "password")
    masked(long)
    # Twenty times the text; quadratic work would take four hundred times as long. The floor is the clock's noise.
    assert time.process_time() - middle < 100 * max(middle - before, 0.01)


@pytest.mark.parametrize("text", ISSUED.values(), ids=ISSUED.keys())
def test_a_line_is_shown_without_its_credentials(text: str) -> None:
    line = f'  description: "{text.splitlines()[0]}"'
    hidden = masked(line)
    assert len(hidden) == len(line)
    assert hidden.startswith('  description: "')
    assert not looks_like_credential(hidden)


@pytest.mark.parametrize(("line", "hidden"), [
    ("password: letmein # old", "password: ******* # old"),
    ("{authPassword: letmein, to: me}", "{authPassword: *******, to: me}"),
    ('- {apiURL: "plain text"}', "- {apiURL: ************}"),
    ("credentials: {name: scrape-token, key: token}", "credentials: {name: scrape-token, key: token}"),
    ("secretName: elasticsearch", "secretName: elasticsearch"),
    ("max_tokens: 5", "max_tokens: 5"),
])
def test_a_line_is_masked_by_its_keys(line: str, hidden: str) -> None:
    assert masked(line) == hidden
