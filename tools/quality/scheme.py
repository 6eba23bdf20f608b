"""Which benchmarks speak for which task, and with what share."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Share:
    """A group of benchmarks that measure the same side of a task.

    `benchmarks` are shell patterns of their names. The shares of a task add up to 1; when a model lacks a group, the
    others speak for it and the score is held nearer to the model's general level.
    """

    task_type: str
    group: str
    share: float
    benchmarks: tuple[str, ...]
    origin: str

    def holds(self, benchmark: str) -> bool:
        """Whether `benchmark` belongs to the group."""
        return any(fnmatchcase(benchmark, pattern) for pattern in self.benchmarks)


def by_task(shares: Iterable[Share]) -> Mapping[str, tuple[Share, ...]]:
    """The groups of each task, in their given order."""
    tasks: dict[str, list[Share]] = {}
    for share in shares:
        tasks.setdefault(share.task_type, []).append(share)
    return {task: tuple(groups) for task, groups in tasks.items()}
