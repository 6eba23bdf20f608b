"""Who may come in: everybody on this machine, the people of a file, or whom a proxy or a provider vouches for."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from knowledge.errors import BadInput, NotFound, StateUnusable
from knowledge.files import write_whole
from ui.settings import Settings

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
LOCAL_PERSON = "local"
SCRYPT = {"n": 2**14, "r": 8, "p": 1}
MIN_PASSWORD_CHARS = 12
MAX_NAME_CHARS = 200
ANYBODY = "*"
ADMIN = "admin"


class Access(Protocol):
    """Decides on names and passwords; `hosts` None: any host name."""

    @property
    def hosts(self) -> frozenset[str] | None:
        """Host names that requests may be for."""

    @property
    def asks(self) -> bool:
        """Whether people have to say who they are."""

    @property
    def passwords(self) -> bool:
        """Whether anybody comes in by a password."""

    def admits(self, name: str, password: str) -> bool:
        """Whether this is that person."""

    def vouched(self, name: str) -> bool:
        """Whether somebody whom a trusted proxy or a provider calls by this name may come in."""

    def knows(self, name: str) -> bool:
        """Whether that person may still come in, however they said who they are."""

    def is_admin(self, name: str) -> bool:
        """Whether that person sees what everybody has."""


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """For a server that only this machine can reach: one person, no password; foreign host names are refused."""

    hosts: frozenset[str] | None = LOCAL_HOSTS
    asks: bool = False
    passwords: bool = False

    def admits(self, name: str, password: str) -> bool:  # noqa: ARG002  # nobody is asked for a password here
        """Only the one person."""
        return name == LOCAL_PERSON

    def vouched(self, name: str) -> bool:
        return name == LOCAL_PERSON

    def knows(self, name: str) -> bool:
        return name == LOCAL_PERSON

    def is_admin(self, name: str) -> bool:
        """Whoever sits at this machine may read its state directory anyway."""
        return name == LOCAL_PERSON


@dataclass(frozen=True, slots=True)
class VouchedAccess:
    """Behind a trusted proxy and without a file: everybody whom the proxy names; nobody is an admin."""

    hosts: frozenset[str] | None = None
    asks: bool = True
    passwords: bool = False

    def admits(self, name: str, password: str) -> bool:  # noqa: ARG002  # there are no passwords
        """Nobody comes in by a password."""
        return False

    def vouched(self, name: str) -> bool:
        return usable_name(name)

    def knows(self, name: str) -> bool:
        return usable_name(name)

    def is_admin(self, name: str) -> bool:  # noqa: ARG002  # admins stand in a file
        """Nobody."""
        return False


class Entry(NamedTuple):
    """One person: salt and scrypt hash in hex, both empty for somebody vouched for elsewhere; role or empty."""

    salt: str
    digest: str
    role: str

    @property
    def line(self) -> str:
        return f"{self.salt}:{self.digest}" + (f":{self.role}" if self.role else "")


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """People: lines of `name:salt:hash` or `name:salt:hash:admin`. Read anew at every question.

    Without a hash somebody comes in by a proxy or a provider; `*` then stands for everybody they vouch for and
    `*@example.com` for everybody of a domain. Whoever has a password comes in by it alone.
    """

    path: Path
    hosts: frozenset[str] | None = None
    asks: bool = True

    @property
    def passwords(self) -> bool:
        """Whether anybody comes in by a password."""
        return any(entry.digest for entry in self.entries().values())

    def admits(self, name: str, password: str) -> bool:
        """Compare in constant time; an unknown name takes as long as a known one."""
        entry = self.entries().get(name)
        salt, expected = (entry.salt, entry.digest) if entry and entry.digest else ("00", "-")
        return hmac.compare_digest(_hashed(password, salt), expected)

    def vouched(self, name: str) -> bool:
        found = self._entry(name)
        return found is not None and not found.digest

    def knows(self, name: str) -> bool:
        return self._entry(name) is not None

    def is_admin(self, name: str) -> bool:
        """Whether the line of that very name says so; a pattern makes nobody an admin."""
        entry = self.entries().get(name)
        return entry is not None and entry.role == ADMIN and not _is_pattern(name)

    def add(self, name: str, password: str | None, *, admin: bool | None = None) -> None:
        """Let somebody in, or change their password; `admin` None keeps the role. Raises BadInput."""
        if not usable_name(name):
            raise BadInput(f"not a usable name: {name[:40]!r}", "use letters and digits", field="name")
        if _is_pattern(name) and (password is not None or admin):
            raise BadInput(f"{name} stands for many: it has no password and is no admin", field="name")
        if password is not None and len(password) < MIN_PASSWORD_CHARS:
            raise BadInput(f"the password has fewer than {MIN_PASSWORD_CHARS} characters", field="password")
        known = self.entries() if self.path.exists() else {}
        kept = known[name].role if name in known else ""
        role = kept if admin is None else ADMIN if admin else ""
        salt = "" if password is None else secrets.token_hex(16)
        digest = "" if password is None else _hashed(password, salt)
        self._write({**known, name: Entry(salt, digest, role)})

    def remove(self, name: str) -> None:
        """Shut somebody out. Raises NotFound."""
        known = self.entries()
        if name not in known:
            raise NotFound("person", name, tuple(known)[:3], field="name")
        self._write({each: entry for each, entry in known.items() if each != name})

    def entries(self) -> dict[str, Entry]:
        """Everybody, by name. Raises StateUnusable."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            return dict(_read(line) for line in filter(str.strip, lines))
        except (OSError, ValueError) as error:
            raise StateUnusable(f"cannot read the people of {self.path}: {error}", "see sextant people") from error

    def _entry(self, name: str) -> Entry | None:
        """The line that counts for a name: its own before that of its domain before that of everybody."""
        if not usable_name(name) or ANYBODY in name:
            return None
        known = self.entries()
        domain = f"{ANYBODY}@{name.rpartition('@')[2].lower()}" if "@" in name else ANYBODY
        return known.get(name) or known.get(domain) or known.get(ANYBODY)

    def _write(self, entries: dict[str, Entry]) -> None:
        lines = "".join(f"{name}:{entry.line}\n" for name, entry in entries.items())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, lines, private=True)
        except OSError as error:
            raise StateUnusable(f"cannot write {self.path}: {error.strerror}", "set SEXTANT_HOME") from error


def _read(line: str) -> tuple[str, Entry]:
    name, salt, digest, *role = line.split(":")
    if len(role) > 1 or bool(salt) != bool(digest) or not usable_name(name):
        raise ValueError(f"the line of {name[:40]!r} has another form")
    return name, Entry(bytes.fromhex(salt).hex(), digest, role[0] if role else "")


def usable_name(name: str) -> bool:
    """Whether a name can be written into a file, a header and a log; `*` only alone or before a domain."""
    fits = 0 < len(name) <= MAX_NAME_CHARS and name.isprintable() and ":" not in name and name == name.strip()
    return fits and (ANYBODY not in name or _is_pattern(name))


def _is_pattern(name: str) -> bool:
    return name == ANYBODY or (name.startswith(f"{ANYBODY}@") and len(name) > 2 and name.count(ANYBODY) == 1)


def _hashed(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), **SCRYPT).hex()


def access_for(host: str, people: Path | None, settings: Settings) -> Access:
    """Who may come in at an address. Raises BadInput: a server that others can reach asks who they are."""
    if people is not None:
        found = PasswordFile(people)
        if not found.entries():
            raise BadInput(f"{people} names nobody", f"sextant people add NAME --file {people}", field="people")
        return found
    if settings.oauth:
        raise BadInput(
            "a provider signs in whoever has an account there: say who of them may come in",
            "give --people FILE, made with: sextant people add '*@example.com' --no-password --file FILE",
            field="people",
        )
    if settings.proxy is not None and settings.proxy.header:
        return VouchedAccess()
    if host not in {"localhost", "127.0.0.1", "::1"}:
        raise BadInput(
            f"{host} can be reached from other machines, and nobody would be asked for a password",
            "give --people FILE, made with: sextant people add NAME --file FILE", field="host",
        )  # fmt: skip
    return LocalAccess()
