"""Addresses of PostgreSQL databases, and how to speak of one without its password."""

from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from knowledge.errors import BadInput

CONNECT_TIMEOUT_S = 4


def shown_address(url: str) -> str:
    """The address as it may be shown: `postgresql://user@host:port/name`. Raises BadInput when it is none."""
    parts = _parts(url)
    user = f"{parts['user']}@" if parts.get("user") else ""
    host = str(parts.get("host") or "localhost")
    port = f":{parts['port']}" if parts.get("port") else ""
    return f"postgresql://{user}{host}{port}/{parts.get('dbname') or parts.get('user') or ''}"


def without_password(text: str, url: str) -> str:
    """A message of the driver without the password, however it is written."""
    password = str(_parts(url).get("password") or "")
    for form in {password, quote(password), quote(password, safe="")} - {""}:
        text = text.replace(form, "***")
    return text


def libpq_options() -> dict[str, Any]:
    """How connections are kept: a dead peer is noticed within half a minute."""
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "application_name": "sextant",
    }


def _parts(url: str) -> dict[str, Any]:
    faulty = BadInput(
        "SEXTANT_DATABASE_URL is no address of a PostgreSQL database",
        "write it like postgresql://user:password@host:5432/sextant",
        field="SEXTANT_DATABASE_URL",
    )
    if not url.startswith(("postgresql://", "postgres://")):
        raise faulty
    try:
        parts = dict(conninfo_to_dict(url))
    except psycopg.Error:
        raise faulty from None  # its message repeats the address
    if not all(port.isdigit() for port in str(parts.get("port") or "5432").split(",")):
        raise faulty
    return parts
