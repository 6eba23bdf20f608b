"""What can go wrong, in one tree. Infeasible is never here: it is an answer.

SextantError            the message is one line and names the thing; `cure` says what to do
├── BadInput            the person or program gave something unusable (exit code 2); never retried
├── NotFound            a name that is not in the facts or records (exit code 2); carries near names
├── Conflict            the request was right for an older state: stale card, nothing awaiting, not the owner
├── NotAllowed          the person or key is known, and may not do this (exit code 2)
├── StateUnusable       the state directory or database is read-only, full, corrupt or from a newer version
└── Unavailable         something outside did not answer (port, endpoint, network); may be retried
    └── Busy            too much at once; may be retried after a while
"""

from typing import Any, ClassVar


class SextantError(Exception):
    """Base of everything that is reported to people as one line and a cure."""

    exit_code: ClassVar[int] = 1
    retry: ClassVar[bool] = False

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure

    def __reduce__(self) -> tuple[Any, ...]:
        # What is raised in another process arrives whole, whatever its constructor asks for.
        return _raised_elsewhere, (type(self), self.message), self.__dict__


class BadInput(SextantError):
    """Unusable input; `field` is the dotted name of what was wrong, where there is one."""

    exit_code = 2

    def __init__(self, message: str, cure: str = "", *, field: str | None = None) -> None:
        super().__init__(message, cure)
        self.field = field


class NotFound(BadInput):
    """A name that is unknown, or fits `fitting` things alike; `near` holds what may have been meant."""

    def __init__(
        self, kind: str, name: str, near: tuple[str, ...] = (), *, fitting: int = 0, field: str | None = None
    ) -> None:
        what = f"ambiguous {kind}: {name[:80]!r} fits {fitting}" if fitting else f"unknown {kind}: {name[:80]!r}"
        cure = f"did you mean {', '.join(near)}?" if near else ""
        super().__init__(what, cure, field=field)
        self.near = near


class Conflict(SextantError):
    """The request does not fit the present state; nothing was changed."""

    exit_code = 2


class NotAllowed(SextantError):
    """Somebody who is known may not do this; nothing was changed."""

    exit_code = 2


class StateUnusable(SextantError):
    """The state directory or database cannot be used; nothing was changed."""

    exit_code = 2


class Unavailable(SextantError):
    """Something outside did not answer."""

    retry = True


class Busy(Unavailable):
    """Too much runs at once; `retry_after_s` says when it may be tried again."""

    def __init__(self, message: str, cure: str = "", *, retry_after_s: int) -> None:
        super().__init__(message, cure)
        self.retry_after_s = retry_after_s


def _raised_elsewhere(kind: type[SextantError], message: str) -> SextantError:
    return kind.__new__(kind, message)
