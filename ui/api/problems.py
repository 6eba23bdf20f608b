"""Errors as problem+json (RFC 9457) that name the field."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from knowledge.errors import BadInput, Conflict, NotFound, SextantError, StateUnusable, Unavailable

STATUS: tuple[tuple[type[SextantError], int], ...] = (
    (NotFound, 404),
    (BadInput, 422),
    (Conflict, 409),
    (StateUnusable, 503),
    (Unavailable, 503),
)
PROBLEM = "application/problem+json"


def problem(status: int, title: str, detail: str = "", field: str | None = None) -> JSONResponse:
    """One problem: what was wrong, what to do, and the field where there is one."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, "field": field}
    return JSONResponse({key: value for key, value in body.items() if value}, status, media_type=PROBLEM)


def of(error: SextantError) -> JSONResponse:
    """The problem that an error of Sextant is."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), 500)
    return problem(status, error.message, error.cure, getattr(error, "field", None))


def install(app: FastAPI) -> None:
    """Answer errors of Sextant and unusable requests as problems."""

    @app.exception_handler(SextantError)
    async def _sextant(_: Request, error: SextantError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def _request(_: Request, error: RequestValidationError) -> JSONResponse:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path"))
        return problem(422, f"{field or 'request'}: {fault['msg'].lower()}", "see /docs for the form", field)
