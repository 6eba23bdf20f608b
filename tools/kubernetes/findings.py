"""What a check found: object, field, what is wrong, and the cure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `subject` is `Kind/name`, `field` a dotted path; an `error` must be mended before applying."""

    severity: Severity
    subject: str
    field: str
    problem: str
    cure: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.subject} {self.field}".strip()
        return f"{self.severity}: {place}: {self.problem}" + (f" ({self.cure})" if self.cure else "")


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that must be mended."""
    return tuple(finding for finding in findings if finding.severity == "error")
