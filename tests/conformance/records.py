"""The table that a run of the conformance tests ends with."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Consumers:
    """What each consumer accepted, and how it refused the control that is broken on purpose."""

    versions: dict[str, str] = field(default_factory=dict)
    accepted: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)

    def record(self, consumer: str, version: str, accepted: int, control_rejected: str = "") -> None:
        """Add `accepted` files to a consumer's count; `control_rejected` is its refusal in its own words."""
        self.versions[consumer] = version
        self.accepted[consumer] = self.accepted.get(consumer, 0) + accepted
        if control_rejected:
            self.rejected.setdefault(consumer, control_rejected)

    def lines(self) -> list[str]:
        """The table, a line a consumer."""
        if not self.versions:
            return []
        rows = [("consumer", "version", "files accepted", "control rejected")]
        rows += [(name, self.versions[name], str(self.accepted[name]), self.rejected.get(name, "none tried"))
                 for name in sorted(self.versions)]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        padded = [[text.ljust(width) for text, width in zip(row, widths, strict=False)] for row in rows]
        return ["  ".join([*cells, row[3][:90]]) for cells, row in zip(padded, rows, strict=True)]
