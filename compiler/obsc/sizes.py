"""How large an object may be, and what is done about one that is not small: who takes how many bytes.

The API server takes 1 MiB (etcd a request of 1.5), the Prometheus operator half of it. `kubectl apply` and Argo CD keep a copy of
what they apply in an annotation, and annotations end at 256 KiB, unless they apply on the server's side.
"""

from __future__ import annotations

import json

OBJECT_LIMIT = 900 << 10
RULE_LIMIT = 480 << 10
CLIENT_SIDE_LIMIT = 250 << 10
# What is read back of a service at most: a page that an object takes in has up to twice as many bytes where people read it.
PART_LIMIT = 2 << 20
# A service's rules, jobs and inputs are divided into files of about so much: each is an object that may be applied by a client,
# and leaves room for other services in an object that they share.
PIECE_LIMIT = 200 << 10


def plain_text(data: object) -> str:
    """Plain data as JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def plain_size(data: object) -> int:
    """Bytes of plain data as JSON: near those of YAML, at a fraction of its cost."""
    return len(plain_text(data).encode())


def copy_size(data: object) -> int:
    """Bytes of the copy that `kubectl apply` keeps: JSON in which Go's encoder writes `<`, `>` and `&` as numbers."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)  # files of anybody may hold dates
    return len(text.encode()) + 5 * sum(text.count(char) for char in "<>&")


def needs_server(data: object, size: int) -> bool:
    """Whether an object of `size` bytes can only be applied on the server's side."""
    # A copy is never as large as six times the object; most are about as large, so that few have to be counted.
    return size > CLIENT_SIDE_LIMIT // 6 and copy_size(data) > CLIENT_SIDE_LIMIT


def limit(kind: str) -> int:
    """The most bytes that an object's consumer takes."""
    return RULE_LIMIT if kind == "PrometheusRule" else OBJECT_LIMIT


def problem(path: str, kind: str, size: int) -> str | None:
    """Why an object, or with no kind a file that a ConfigMap takes in, is too large for its consumer; or None."""
    most = limit(kind)
    if size <= most:
        return None
    return f"{path} has {-(-size // 1024)} KiB, its consumer takes at most {most // 1024} KiB"
