from __future__ import annotations

import random
import re

import pytest

from obsc import ir
from obsc.catalog.kinds import pod_pattern
from obsc.rules import overlap
from obsc.rules.overlap import overlaps

GLOB = "/var/log/containers/*_{}_*.log"


def own(name: str, kind: str = "Deployment", namespace: str = "ai", container: str = "[a-z0-9.-]+") -> ir.LogInput:
    include = f"/{pod_pattern(kind, name)}_{namespace}_{container}-[0-9a-f]{{64}}\\.log$"
    return said(include, GLOB.format(namespace))


def said(include: str, *globs: str) -> ir.LogInput:
    return ir.LogInput("id", globs, include, "auto", "", (), (), (), ir.Origin("logs"))


@pytest.mark.parametrize(("one", "two"), [
    (own("chat"), own("chat")),
    (own("chat"), own("chat", container="server")),
    (own("chat", "StatefulSet"), own("chat", "StatefulSet", container="[a-z]+")),
    # A pod `chat-bcd-fghjk` may be the Deployment's; a DaemonSet `chat-bcd` names its own pods the same way.
    (own("chat"), own("chat-bcd", "DaemonSet")),
    # Names that are cut before their random end may be anybody's that begin alike.
    (own("a" * 50), own("a" * 50 + "-b")),
    (said("", "/var/log/containers/chat-*.log"), own("chat")),
    (said("", "/var/log/containers/*chat*.log"), said("", "/var/log/containers/*ai*.log")),
    (said("", "/var/log/app/**"), said("", "/var/log/app/a/b.log")),
    (said("", "/var/log/containers/ch?t-[a-f]*.log"), said("", "/var/log/containers/chat-b1.log")),
    # The runtime links the one to the other.
    (said("", "/var/log/pods/ai_chat-*_*/*/*.log"), own("chat")),
    (said("", "/var/log/pods/*/*/*.log"), own("chat")),
    # What is not understood may match anything.
    (said(r"/(?i)chat.*\.log$", "/var/log/containers/*.log"), own("chat")),
    (said(r"chat|rag", "/var/log/containers/*.log"), own("rag")),
])
def test_inputs_that_could_read_one_file_are_found(one: ir.LogInput, two: ir.LogInput) -> None:
    assert overlaps([one, two]) == ((0, 1),)
    assert overlaps([two, one]) == ((0, 1),)


@pytest.mark.parametrize(("one", "two"), [
    (own("chat"), own("rag")),
    (own("chat"), own("chat-api")),
    (own("chat", "StatefulSet"), own("chat")),
    (own("chat", "StatefulSet"), own("chat-b", "StatefulSet")),
    (own("chat"), own("chat", namespace="other")),
    (own("chat", container="server"), own("chat", container="tokenizer")),
    (said("", "/var/log/containers/chat-*.log"), own("rag")),
    (said("", "/var/log/a/*.log"), said("", "/var/log/a/b/*.log")),
    (said("", "/var/log/pods/other_*/*/*.log"), own("chat")),
    (said("", "/var/log/pods/ai_a-*/*/*.log"), said("", "/var/log/pods/ai_b-*/*/*.log")),
    (said(r"/other_chat-[0-9]+_[0-9a-f-]+/x/[0-9]+\.log$", "/var/log/pods/*/*/*.log"), own("chat")),
])
def test_inputs_that_cannot_are_not(one: ir.LogInput, two: ir.LogInput) -> None:
    assert overlaps([one, two]) == ()


def test_every_pair_is_named_once_and_in_order() -> None:
    inputs = [own("rag"), own("chat"), own("chat", container="server"), said("", "/var/log/containers/*.log")]
    assert overlaps(inputs) == ((0, 3), (1, 2), (1, 3), (2, 3))


@pytest.mark.parametrize("expression", [
    "a*b", "a+b?c", "(ab|cd)+e", "[^a-c]d", r"a\.b", r"\d{2,3}x", "a{0,2}b", "(?:a|b){2}c", r"[\w.-]+/x", "(a*)*b", "a{3}", "x{2,}y",
    r"\Sa\D", "a.c", r"[a\]-]b",
])
def test_automata_agree_with_the_language_of_their_expressions(expression: str) -> None:
    machine = overlap._machine(expression)
    chance = random.Random(expression)
    known = re.compile(expression)
    texts = ["".join(chance.choice("abcdex0123./-] ") for _ in range(chance.randrange(8))) for _ in range(3000)]
    texts += ["ab", "aab", "cde", "ababe", "xd", "a.b", "12x", "123x", "bbc", "abc", "aaa", "xxy", "xxxy", "]b", "-b", "b"]
    for text in texts:
        states = machine.closure(frozenset({machine.start}))
        for symbol in text:
            states = machine.after(states, symbol)
        assert (machine.end in states) == bool(known.fullmatch(text)), text


def test_few_of_a_thousand_services_need_a_closer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[ir.LogInput, ir.LogInput]] = []
    decide = overlap._overlap

    def look(one: ir.LogInput, two: ir.LogInput) -> bool:
        looked.append((one, two))
        return decide(one, two)

    monkeypatch.setattr(overlap, "_overlap", look)
    inputs = [own(f"service-{number}", namespace=f"team-{number % 20}") for number in range(1000)]
    assert overlaps(inputs) == ()
    # Only names of which one begins with the other: service-1 and service-10, service-100 and so on.
    assert len(looked) < 4000
