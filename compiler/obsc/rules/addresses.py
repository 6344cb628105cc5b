"""Where an address leads: what tenants may have a shared Prometheus ask, and where their links may take those who click.

Names are judged as they are written. Nothing is resolved, so a name that leads somewhere else tomorrow is as good as today's:
that is why names outside of the cluster need the platform's leave.
"""

from __future__ import annotations

import fnmatch
import re
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, unquote, urlsplit

_Address = IPv4Address | IPv6Address

NEVER = "addresses that are link-local or of cloud metadata never are"
_UNLISTED = "only names inside the cluster are, unless the platform lists others"
# A name that ends so is an address to `inet_aton`: 2852039166 and 0xa9fe.0xa9fe are 169.254.169.254.
_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
# Services for any wildcard name, such as nip.io, resolve it to the address that it holds.
_HOLDS_LINK_LOCAL = re.compile(r"(?<![0-9])169[.-]254[.-][0-9]{1,3}[.-][0-9]{1,3}(?![0-9])|(?<![0-9a-f])a9fe[0-9a-f]{4}(?![0-9a-f])")
# Metadata of machines outside of 169.254.0.0/16, as the clouds document it: of EC2 (IPv6), Alibaba Cloud and Azure.
_METADATA = frozenset(map(ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")))
# Names of it; the short ones are completed by a node's search domains (google.internal, ec2.internal).
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"})
_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})
# Addresses of IPv6 that end with one of IPv4: translated (RFC 6052, 8215), and the compatible ones of old.
_HOLD_IPV4 = tuple(map(IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")))
_PORTS = {"http": 80, "https": 443}


def target_problem(target: str, allowed: tuple[str, ...] | None) -> str:
    """Why a target `host:port` may not be asked, or nothing. `allowed` is `policy.targets`."""
    host, _, port = target.rpartition(":")
    host = _plain(host.strip("[]"))
    address = _address(host)
    if _is_never(host, address):
        return NEVER
    if address is None and _A_NUMBER.fullmatch(host.rpartition(".")[2]):
        return "some resolvers read it as an address"
    if address is None and not _NAME.fullmatch(host):
        return "it is no host's name"
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return f"{port} is no port"
    if allowed is not None:
        return "" if any(_allows(entry, host, port, address) for entry in allowed) else "the platform's list has nothing like it"
    inside = address is None and ("." not in host or host.endswith((".svc", ".svc.cluster.local")))
    return "" if inside and host not in _LOOPBACK_NAMES else _UNLISTED


def url_problem(url: str, allowed: tuple[str, ...] | None) -> str:
    """Why the address of an HTTP probe may not be asked, or nothing."""
    parts = _split(url)
    if parts is None or parts.hostname is None:
        return "it cannot be read"
    return target_problem(f"{parts.hostname}:{_port(parts)}", allowed)


def link_problem(url: str, allowed: tuple[str, ...] | None) -> str:
    """Why a link may not be shown, or nothing. `allowed` is `policy.urls`: what a link begins with, part by part."""
    parts = _split(url)
    if parts is None or not parts.hostname or not parts.hostname.isascii():
        return "it cannot be read"
    host = _plain(parts.hostname)
    if parts.username is not None or parts.password is not None:
        return "it has user info"
    if _is_never(host, _address(host)):
        return NEVER
    if allowed is None:
        return "" if parts.scheme == "https" else "it is not https"
    listed = any(_below(parts, prefix) for prefix in map(_split, allowed) if prefix is not None)
    return "" if listed else "the platform lists no such address"


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None if they cannot be told."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return None if port == 0 else parts


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def _below(parts: SplitResult, prefix: SplitResult) -> bool:
    """Whether an address is one of those below a prefix: the same scheme, host and port, and a path that goes on from its path."""
    if (parts.scheme, parts.hostname, _port(parts)) != (prefix.scheme, prefix.hostname, _port(prefix)):
        return False
    steps = unquote(parts.path).replace("\\", "/").split("/")
    folder = prefix.path.rstrip("/")
    return ".." not in steps and (parts.path == folder or parts.path.startswith(folder + "/"))


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _address(host: str) -> _Address | None:
    try:
        found = ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _is_never(host: str, address: _Address | None) -> bool:
    if address is None:
        return host in _METADATA_NAMES or _HOLDS_LINK_LOCAL.search(host) is not None
    return any(one.is_link_local or one.is_multicast or one.is_unspecified or one in _METADATA for one in _held(address))


def _held(address: _Address) -> tuple[_Address, ...]:
    """An address, and the one of IPv4 that it stands for."""
    if isinstance(address, IPv4Address):
        return (address,)
    tunnelled = (address.sixtofour, *(address.teredo or ()))
    last = (IPv4Address(int(address) & 0xFFFFFFFF),) if any(address in network for network in _HOLD_IPV4) and int(address) > 1 else ()
    return (address, *(one for one in tunnelled if one is not None), *last)


def _allows(entry: str, host: str, port: str, address: _Address | None) -> bool:
    wanted, sign, wanted_port = entry.rpartition(":") if entry.count(":") == 1 or "]:" in entry else (entry, "", "")
    if sign and wanted_port not in {"*", port}:
        return False
    pattern = wanted.strip("[]").lower()
    if address is None:
        return fnmatch.fnmatchcase(host, pattern)
    try:
        return address in ip_network(pattern, strict=False)
    except ValueError:
        return False
