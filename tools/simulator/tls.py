"""Serving by HTTPS: `--ssl-keyfile` and `--ssl-certfile`, as vLLM takes them."""

import ssl

from knowledge.errors import BadInput


def tls_context(certfile: str | None, keyfile: str | None) -> ssl.SSLContext | None:
    """What to serve with; None without files. The key may be in the certificate's file.

    Raises BadInput when a file cannot be read, is not what it should be, or needs a password.
    """
    if certfile is None:
        if keyfile is not None:
            raise BadInput("--ssl-keyfile is of no use alone", "say --ssl-certfile as well", field="ssl_certfile")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certfile, keyfile, password=_no_password)
    except ssl.SSLError as error:
        files = f"{certfile} and {keyfile}" if keyfile else certfile
        raise BadInput(
            f"{files} are no certificate with its key: {(error.reason or 'no PEM').lower().replace('_', ' ')}",
            "both must be PEM, belong together and need no password",
            field="ssl_certfile",
        ) from None
    except OSError as error:
        lost = next(name for name in (certfile, keyfile or certfile) if not _readable(name))
        raise BadInput(f"{lost} cannot be read: {error.strerror}", field="ssl_certfile") from None
    return context


def _no_password() -> str:
    """Else OpenSSL would ask for one at the terminal."""
    return ""


def _readable(name: str) -> bool:
    try:
        with open(name, "rb"):
            return True
    except OSError:
        return False
