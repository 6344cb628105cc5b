"""Where a tenant's spec may point."""

from __future__ import annotations

import pytest

from obsc.rules.addresses import target_problem


@pytest.mark.parametrize(("target", "allowed", "fine"), [
    ("chat:8000", None, True), ("chat.ai.svc:8000", None, True), ("chat.ai.svc.cluster.local:80", None, True),
    ("chat.example.com:80", None, False), ("10.0.0.1:80", None, False), ("localhost:80", None, False), ("[::1]:80", None, False),
    ("evil.svc.example.com:80", None, False), ("CHAT:8000", None, True), ("chat.ai.svc.:80", None, True),
    ("169.254.169.254:80", ("0.0.0.0/0",), False), ("[fe80::1]:80", ("::/0",), False), ("0.0.0.0:80", ("0.0.0.0/0",), False),
    ("224.0.0.1:80", ("0.0.0.0/0",), False), ("10.1.2.3:80", ("10.1.0.0/16",), True), ("10.2.2.3:80", ("10.1.0.0/16",), False),
    ("[fd00::5]:80", ("fd00::/8",), True), ("gpu.example.com:9400", ("*.example.com",), True), ("gpu.example.org:9400", ("*.example.com",), False),
    ("gpu.example.com:9400", ("*.example.com:9400",), True), ("gpu.example.com:22", ("*.example.com:9400",), False),
    ("2852039166:80", None, False), ("2852039166:80", ("*",), False), ("0xa9fea9fe:80", None, False), ("169.254.43518:80", ("*",), False),
    ("0251.0376.0251.0376:80", ("*",), False), ("chat-2:80", None, True), ("0xcafe.ai.svc:80", None, True),
    ("127.0.0.1:80", ("127.0.0.1",), True), ("chat:8000", ("*.example.com",), False), ("chat:0", None, False), ("chat:70000", None, False),
])
def test_targets(target: str, allowed: tuple[str, ...] | None, fine: bool) -> None:  # noqa: FBT001
    assert (target_problem(target, allowed) == "") is fine
