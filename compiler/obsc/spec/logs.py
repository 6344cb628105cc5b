"""`logs`: which files are the service's and what never leaves the node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, TypeAlias

from obsc.spec.base import Block, leaf
from obsc.spec.types import DnsLabel, FieldName, LogPath

MaskName: TypeAlias = Literal["secret", "email", "card", "iban", "phone", "ip"]
Format: TypeAlias = Literal["auto", "json", "text"]
Multiline: TypeAlias = Literal["auto", "python", "java", "go", "none"]


class ContainerLogs(Block):
    """Logs of one container, where it differs from the others."""

    name: DnsLabel = leaf("Name of the container.", "tokenizer")
    enabled: bool = leaf("Whether the item is there: an environment can switch off what the document has.", False, default=True)
    format: Format | None = leaf("Form of its lines.", "text", default=None)
    multiline: Multiline | None = leaf("How its entries go on over lines.", "java", default=None)


class Logs(Block):
    """Logs of the service. Prompts, completions and credentials are removed in any case."""

    later: ClassVar[Mapping[str, str]] = {"retention": "how long logs are kept"}

    enabled: bool = leaf("Whether logs are collected.", True, default=True)
    format: Format = leaf("Form of the lines; `auto` reads JSON where a line is JSON, else text.", "json", default="auto")
    multiline: Multiline = leaf("How an entry goes on over lines.", "python", default="auto")
    drop_fields: tuple[FieldName, ...] = leaf("Keys that are deleted, besides those that carry content.", ["customer_id"],
                                              default=())
    redact: tuple[MaskName, ...] = leaf("Kinds of private values that are masked in text, besides those of other layers.",
                                        ["ip"], default=("secret", "email", "card", "iban", "phone"))
    containers: tuple[ContainerLogs, ...] = leaf("Containers whose logs differ, or, if any is named, the only ones read.",
                                                 [{"name": "tokenizer", "format": "text"}], default=())
    paths: tuple[LogPath, ...] = leaf("Globs that narrow which files are the service's.", ["/var/log/containers/*ai*.log"],
                                      default=())
