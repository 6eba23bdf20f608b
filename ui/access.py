"""Who may come in: everybody on this machine, or the people of a file with hashed passwords."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from knowledge.errors import BadInput, NotFound, StateUnusable

LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]"})
LOCAL_PERSON = "local"
SCRYPT = {"n": 2**14, "r": 8, "p": 1}
MIN_PASSWORD_CHARS = 12


class Access(Protocol):
    """Decides on names and passwords; `hosts` None: any host name."""

    @property
    def hosts(self) -> frozenset[str] | None:
        """Host names that requests may be for."""

    @property
    def asks(self) -> bool:
        """Whether people have to say who they are."""

    def admits(self, name: str, password: str) -> bool:
        """Whether this is that person."""


@dataclass(frozen=True, slots=True)
class LocalAccess:
    """For a server that only this machine can reach: one person, no password; foreign host names are refused."""

    hosts: frozenset[str] | None = LOCAL_HOSTS
    asks: bool = False

    def admits(self, name: str, password: str) -> bool:  # noqa: ARG002  # nobody is asked for a password here
        """Only the one person."""
        return name == LOCAL_PERSON


@dataclass(frozen=True, slots=True)
class PasswordFile:
    """People with passwords: lines of `name:salt:hash`, salt and scrypt hash in hex. Read anew at every question."""

    path: Path
    hosts: frozenset[str] | None = None
    asks: bool = True

    def admits(self, name: str, password: str) -> bool:
        """Compare in constant time; an unknown name takes as long as a known one."""
        salt, expected = self._entries().get(name, ("00", ""))
        return hmac.compare_digest(_hashed(password, salt), expected or "-")

    def add(self, name: str, password: str) -> None:
        """Let somebody in, or change their password. Raises BadInput."""
        if not name or not name.isprintable() or ":" in name or name != name.strip():
            raise BadInput(f"not a usable name: {name[:40]!r}", "use letters and digits", field="name")
        if len(password) < MIN_PASSWORD_CHARS:
            raise BadInput(f"the password has fewer than {MIN_PASSWORD_CHARS} characters", field="password")
        salt = secrets.token_hex(16)
        self._write({**(self._entries() if self.path.exists() else {}), name: (salt, _hashed(password, salt))})

    def names(self) -> tuple[str, ...]:
        """Everybody who may come in. Raises StateUnusable."""
        return tuple(self._entries())

    def remove(self, name: str) -> None:
        """Shut somebody out. Raises NotFound."""
        entries = self._entries()
        if name not in entries:
            raise NotFound("person", name, tuple(entries)[:3], field="name")
        self._write({each: entry for each, entry in entries.items() if each != name})

    def _entries(self) -> dict[str, tuple[str, str]]:
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
            parts = (line.split(":") for line in lines if line.strip())
            return {name: (bytes.fromhex(salt).hex(), digest) for name, salt, digest in parts}
        except (OSError, ValueError) as error:
            raise StateUnusable(f"cannot read the people of {self.path}: {error}", "see sextant people") from error

    def _write(self, entries: dict[str, tuple[str, str]]) -> None:
        draft = self.path.with_name(self.path.name + ".unfinished")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.touch(mode=0o600)
            draft.write_text("".join(f"{name}:{salt}:{digest}\n" for name, (salt, digest) in entries.items()))
            draft.replace(self.path)
        except OSError as error:
            raise StateUnusable(f"cannot write {self.path}: {error.strerror}", "set SEXTANT_HOME") from error


def _hashed(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=bytes.fromhex(salt), **SCRYPT).hex()


def access_for(host: str, people: Path | None) -> Access:
    """Who may come in at an address. Raises BadInput: a server that others can reach asks who they are."""
    if people is not None:
        found = PasswordFile(people)
        if not found.names():
            raise BadInput(f"{people} names nobody", f"sextant people add NAME --file {people}", field="people")
        return found
    if host not in {"localhost", "127.0.0.1", "::1"}:
        raise BadInput(
            f"{host} can be reached from other machines, and nobody would be asked for a password",
            "give --people FILE, made with: sextant people add NAME --file FILE", field="host",
        )  # fmt: skip
    return LocalAccess()
