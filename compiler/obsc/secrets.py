"""Values that look like credentials: a spec may hold references to Secrets, never a secret.

Two ways to tell: forms that their issuers gave them (a prefix, three dotted parts, a header of a key file), and
random text under a key that says what it is. Names of Secrets, versions, digests and prose are neither.
"""

from __future__ import annotations

import math
import re
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator, Sequence

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
    r"\bAGE-SECRET-KEY-1[0-9A-Z]{20,}|\bdo[opr]_v1_[a-f0-9]{40,}|\bdapi[a-f0-9]{32}\b|\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}",
    r"\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}",
    r"\bpul-[a-f0-9]{40}\b|\blin_api_[A-Za-z0-9]{30,}",
    r"\"auth\"[ ]*:[ ]*\"[A-Za-z0-9+/]{8,}={0,2}\"",                      # a login at a registry, as Docker keeps it
    r"\bAccountKey=[A-Za-z0-9+/=]{16,}",
    r"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@|(?i:https?)://[^/\s@]+@",   # an address with user info
)
_ISSUED = re.compile("|".join(_ISSUED_FORMS))
# Prefixes that words also have: what follows must be random.
_LIKELY = re.compile(r"\bsk-(?P<key>[A-Za-z0-9_-]{20,})|\b[Bb]earer\s+(?P<bearer>[A-Za-z0-9._~+/=-]{16,})"
                     r"|\b[Bb]asic\s+(?P<basic>[A-Za-z0-9+/]{12,}={0,2})"
                     r"|[?&](?:access_?token|token|api_?key|key|sig|signature|password|secret)=(?P<query>[^&\s]{16,})"
                     r"|(?i:token|secret|password|passwd|pwd|(?:api|access|private|account)[_-]?key)(?:=|[\"']?[ ]*:[ ]*[\"'])"
                     r"(?P<assigned>[^\s\"'&;,]{6,})")
# JSON and PEM in base64, as secrets travel through environments. What a web token begins with is left to its own form.
_ENCODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:ey[A-Z]|ewo|LS0tLS1CRUdJTi)[A-Za-z0-9+/_-]{20,}={0,2}")
_LONGEST_ENCODED = 4096
_TELLING = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase|tokens?|secrets?|credentials?|auth|authorization"
                      r"|(?:api|private|access|routing|integration|service|account|encryption|signing)_?keys?)$")
_PASSWORD = re.compile(r"(?:^|_)(?:password|passwd|pwd|passphrase)$")
_PLACEHOLDER = re.compile(r"\$[({].*[)}]|<.*>|\{\{.*\}\}|(?:/[a-z0-9._-]+)+|\*+|x+|(?i:change-?me|none|null|example|redacted)")
# A key and what follows it on the line, in block or flow style, or assigned as in an environment.
_ENTRY = re.compile(r"""(?<![A-Za-z0-9_-])(?P<key>[A-Za-z][A-Za-z0-9_-]*)(?:["']?[ \t]*:(?:[ \t]+|(?=["']))|=)"""
                    r"""(?P<value>"[^"]*"?|'[^']*'?|[^\s"',{}\[\]#|>][^#,{}\[\]]*)""")
# A line that begins or goes on with entries of its own, and one that opens a key whose value is on the lines below.
_OWN_ENTRY = re.compile(r"""[ \t]*(?:-[ \t]+)*["']?[A-Za-z_$][A-Za-z0-9_./-]*["']?[ \t]*:(?:[ \t]|$)""")
_LAST_KEY = re.compile(r"""(?<![A-Za-z0-9_-])([A-Za-z][A-Za-z0-9_-]*)["']?[ \t]*:(?:[ \t]|$)""")
_UNSEEN = re.compile(r"[^\x20-\x7e\xa1-\uffff]|[\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u00ad]")
_ADDRESSES = frozenset({"api_url", "webhook_url"})
_RUN = re.compile(r"[A-Za-z0-9+/=]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]")
_SHORTEST_HIDDEN, _SHORTEST_PASSWORD, _SHORTEST, _LEAST_BITS = 4, 6, 16, 3.0


def looks_like_credential(text: str, key: str = "") -> bool:
    """Whether a text is, or holds, a credential; `key` is the key that the text stands under."""
    if (len(text) >= _SHORTEST or "@" in text) and _has_known_form(text):
        return True
    if not tells(key) or re.search(r"\s", text) or _PLACEHOLDER.fullmatch(text):
        return False
    return _random(text) or (_PASSWORD.search(_snake(key)) is not None and len(text) >= _SHORTEST_PASSWORD)


def tells(key: str) -> bool:
    """Whether a key says that its value is a credential, whatever that looks like."""
    return _TELLING.search(_snake(key)) is not None


def masked(line: str) -> str:
    """A line of a document with every credential in it starred out, at the same length, so that it can be shown.

    Characters that nobody sees hide no credential: they are looked through.
    """
    seen: Sequence[int] = range(len(line))
    text = line
    if _UNSEEN.search(line) is not None:
        seen = [index for index, char in enumerate(line) if _UNSEEN.match(char) is None]
        text = "".join(line[index] for index in seen)
    stars: list[str] = []
    for start, end in _spans(text):
        stars = stars or list(line)
        for index in seen[start:end]:
            stars[index] = "*"
    return "".join(stars) or line


def masked_lines(lines: Sequence[str]) -> list[str]:
    """The lines of a document, each masked, and all of a text that goes on over lines: of a key, or under a telling key."""
    found: list[str] = []
    within, is_key_file = -1, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        deeper = indent > within or (indent == within and line.startswith("- ", indent))
        goes_on = line.strip() and within >= 0 and deeper and _OWN_ENTRY.match(line) is None
        hidden = masked(line)
        found.append(re.sub(r"[^\s-]", "*", hidden) if goes_on or (is_key_file and "PRIVATE KEY" not in line) else hidden)
        is_key_file = ("PRIVATE KEY" in line and "BEGIN" in line) or (is_key_file and "PRIVATE KEY" not in line)
        if line.strip() and not goes_on:
            last = next(reversed(_LAST_KEY.findall(line)), "")
            within = indent if last and tells(last) else -1
    return found


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for found in _ISSUED.finditer(text):
        yield found.span()
    for found in _LIKELY.finditer(text):
        if _is_likely(found):
            yield found.span(found.lastgroup or 0)
    for found in _ENCODED.finditer(text):
        if _is_encoded(found):
            yield found.span()
    for found in _ENTRY.finditer(text):
        value = found["value"].rstrip()
        is_told = tells(found["key"]) or _snake(found["key"]) in _ADDRESSES
        if is_told and len(value) >= _SHORTEST_HIDDEN:
            yield found.start("value"), found.start("value") + len(value)


def _snake(key: str) -> str:
    return _HUMP.sub("_", key).lower()


def _is_likely(found: re.Match[str]) -> bool:
    value = found[found.lastgroup or 0]
    password = found.lastgroup == "assigned" and re.match(r"(?i)p(?:ass)?w", found.group()) is not None
    return _random(value) or (password and _PLACEHOLDER.fullmatch(value) is None)


def _has_known_form(text: str) -> bool:
    return _is_known(text) or any(_is_encoded(found) for found in _ENCODED.finditer(text))


def _is_known(text: str) -> bool:
    return _ISSUED.search(text) is not None or any(_is_likely(found) for found in _LIKELY.finditer(text))


def _is_encoded(found: re.Match[str]) -> bool:
    """Whether a text in base64 is a credential once it is decoded."""
    text = found.group().rstrip("=")[:_LONGEST_ENCODED]
    decoded = urlsafe_b64decode((text.replace("+", "-").replace("/", "_") + "===")[:len(text) // 4 * 4])
    return _is_known(decoded.decode("utf-8", "replace"))


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
