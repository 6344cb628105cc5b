"""Values that look like credentials: a spec may hold references to Secrets, never a secret."""

from __future__ import annotations

import math
import re
from collections import Counter

_KNOWN = re.compile("|".join((
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",      # a JSON web token
    r"\b(?:sk|pk|rk)-(?:[a-z]+-)*[A-Za-z0-9_-]{20,}",                # model providers
    r"\bhf_[A-Za-z0-9]{20,}",
    r"\bAKIA[0-9A-Z]{16}\b",
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",
    r"\bglpat-[A-Za-z0-9_-]{20,}",
    r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    r"hooks\.slack\.com/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]{16,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"\b[Bb]earer\s+[A-Za-z0-9._~+/-]{16,}",
    r"[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@",                      # an address with user and password
)))
_KEYS = re.compile(r"(?i)(password|passwd|secret|token|api[_-]?key|credential|private[_-]?key)")
_LEAST_LENGTH, _LEAST_BITS = 16, 3.5


def looks_like_credential(text: str, key: str = "") -> bool:
    """Whether a text is, or holds, a credential: a known form, or a random word under a telling key."""
    if _KNOWN.search(text):
        return True
    telling = bool(_KEYS.search(key)) and len(text) >= _LEAST_LENGTH and not re.search(r"\s", text)
    return telling and _entropy(text) >= _LEAST_BITS and bool(re.search(r"\d", text))


def _entropy(text: str) -> float:
    """Shannon entropy of the characters, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
