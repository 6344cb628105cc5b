"""Values that look like credentials: a spec may hold references to Secrets, never a secret.

Two ways to tell: forms that their issuers gave them (a prefix, three dotted parts, a header of a key file), and
random text under a key that says what it is. Names of Secrets, versions, digests and prose are neither.
"""

from __future__ import annotations

import math
import re
from collections import Counter

# Prefixes as their issuers document them; what follows is long enough that no word of a language reads so.
# Each begins where nothing of its own kind stands before it, so that a long text is searched in linear time.
_ISSUED_FORMS = (
    r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}",                         # a JSON web token
    r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}",
    r"\b(?:hf|api_org)_[A-Za-z0-9]{20,}",
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    r"\bAIza[0-9A-Za-z_-]{30,}",
    r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{22,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abeprs]-[A-Za-z0-9-]{10,}|\bxapp-[0-9]-[A-Za-z0-9-]{10,}",
    r"\bnvapi-[A-Za-z0-9_-]{20,}|\bgsk_[A-Za-z0-9]{20,}|\bxai-[A-Za-z0-9]{20,}|\br8_[A-Za-z0-9]{20,}",
    r"\bgl(?:sa|c)_[A-Za-z0-9+/=_]{20,}|\bhv[sb]\.[A-Za-z0-9_-]{20,}|\bdckr_pat_[A-Za-z0-9_-]{20,}",
    r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{40,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}",
    r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{32,}",                              # a Telegram bot
    r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9]+/[A-Za-z0-9/]{16,}",
    r"discord(?:app)?\.com/api/webhooks/[0-9]+/[A-Za-z0-9_-]{20,}",
    r"webhook\.office\.com/webhookb2/[A-Za-z0-9@-]{20,}",
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY.*",
    r"\bAccountKey=[A-Za-z0-9+/=]{16,}",
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@|(?i:https?)://[^/\s@]+@",   # an address with user info
)
_ISSUED = re.compile("|".join(_ISSUED_FORMS))
# Prefixes that words also have: what follows must be random.
_LIKELY = re.compile(r"\bsk-(?P<key>[A-Za-z0-9_-]{20,})|\b[Bb]earer\s+(?P<bearer>[A-Za-z0-9._~+/=-]{16,})"
                     r"|\b[Bb]asic\s+(?P<basic>[A-Za-z0-9+/]{12,}={0,2})"
                     r"|[?&](?:access_?token|token|api_?key|key|sig|signature|password|secret)=(?P<query>[^&\s]{16,})")
_TELLING = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase|tokens?|secrets?|credentials?|auth|authorization"
                      r"|(?:api|private|access|routing|integration|service|account|encryption|signing)_?keys?)$")
_PASSWORD = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase)$")
_PLACEHOLDER = re.compile(r"\$[({].*[)}]|<.*>|\{\{.*\}\}|(?:/[a-z0-9._-]+)+|\*+|x+|(?i:change-?me|none|null|example|redacted)")
# A key and its value on one line, in block or flow style.
_ENTRY = re.compile(r"""(?<![A-Za-z0-9_-])(?P<key>[A-Za-z][A-Za-z0-9_-]*["']?:[ ]+)"""
                    r"""(?P<value>"[^"]*"?|'[^']*'?|[^\s"',{}\[\]#*&|>][^\s"',{}\[\]]*)""")
_ADDRESSES = frozenset({"api_url", "webhook_url"})
_RUN = re.compile(r"[A-Za-z0-9+/=]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]")
_SHORTEST_HIDDEN, _SHORTEST_PASSWORD, _SHORTEST, _LEAST_BITS = 4, 6, 16, 3.0


def looks_like_credential(text: str, key: str = "") -> bool:
    """Whether a text is, or holds, a credential; `key` is the key that the text stands under."""
    if (len(text) >= _SHORTEST or "@" in text) and _has_known_form(text):
        return True
    snake = _HUMP.sub("_", key).lower()
    if not _TELLING.search(snake) or re.search(r"\s", text) or _PLACEHOLDER.fullmatch(text):
        return False
    return _random(text) or (_PASSWORD.search(snake) is not None and len(text) >= _SHORTEST_PASSWORD)


def masked(line: str) -> str:
    """A line of a document with every credential in it starred out, at the same length, so that it can be shown."""
    for pattern in (_ISSUED, _LIKELY):
        line = pattern.sub(_starred, line)
    return _ENTRY.sub(lambda found: found["key"] + _starred_value(found["key"], found["value"]), line)


def _starred(found: re.Match[str]) -> str:
    likely = found.re is _LIKELY
    return found.group() if likely and not _random(found[found.lastgroup or 0]) else "*" * len(found.group())


def _starred_value(key: str, value: str) -> str:
    """Whatever a telling key holds, if it is not as short as a count."""
    snake = _HUMP.sub("_", key.rstrip(" :\"'")).lower()
    is_told = _TELLING.search(snake) is not None or snake in _ADDRESSES
    return "*" * len(value) if is_told and len(value) >= _SHORTEST_HIDDEN else value


def _has_known_form(text: str) -> bool:
    return _ISSUED.search(text) is not None or any(_random(found[found.lastgroup or 0]) for found in _LIKELY.finditer(text))


def _random(text: str) -> bool:
    """Whether a text holds a long irregular run, or is irregular as a whole with its dashes and dots left out.

    Irregular: digits in many places, or both cases and digits, as in keys and hashes but not in names with a date.
    """
    groups_needed = 3
    if any(_irregular(run, groups_needed) for run in _RUN.findall(text)):
        return True
    return _irregular(re.sub(r"[^A-Za-z0-9]", "", text), groups_needed + 1)


def _irregular(run: str, groups_needed: int) -> bool:
    if len(run) < _SHORTEST or _entropy(run) < _LEAST_BITS:
        return False
    groups = len(re.findall(r"[0-9]+", run))
    both_cases = any(char.isupper() for char in run) and any(char.islower() for char in run)
    return groups >= (groups_needed - 2 if both_cases else groups_needed)


def _entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits a character (Shannon 1948)."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
