"""Errors as problem+json (RFC 9457) that name the field."""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from knowledge.errors import BadInput, Busy, Conflict, NotAllowed, NotFound, SextantError, StateUnusable, Unavailable

STATUS: tuple[tuple[type[SextantError], int], ...] = (
    (NotFound, 404),
    (BadInput, 422),
    (Conflict, 409),
    (NotAllowed, 403),
    (StateUnusable, 503),
    (Busy, 429),
    (Unavailable, 503),
)
PROBLEM = "application/problem+json"


def problem(
    status: int, title: str, detail: str = "", field: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """One problem: what was wrong, what to do, and the field where there is one."""
    body = {"type": "about:blank", "status": status, "title": title, "detail": detail, "field": field}
    kept = {key: _printable(value) for key, value in body.items() if value}
    return JSONResponse(kept, status, media_type=PROBLEM, headers=headers)


def of(error: SextantError) -> JSONResponse:
    """The problem that an error of Sextant is; an unknown name in a field is no missing page."""
    field = getattr(error, "field", None)
    kind = BadInput if field else type(error)
    status = next((code for base, code in STATUS if issubclass(kind, base)), 500)
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, Busy) else None
    return problem(status, error.message, error.cure, field, headers)


def install(app: FastAPI) -> None:
    """Answer every error as a problem; an unforeseen one says nothing of the inside."""

    @app.exception_handler(SextantError)
    async def _sextant(_: Request, error: SextantError) -> JSONResponse:
        return of(error)

    @app.exception_handler(RequestValidationError)
    async def _request(_: Request, error: RequestValidationError) -> JSONResponse:
        fault = error.errors()[0]
        field = ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path"))
        return problem(422, f"{field or 'request'}: {fault['msg'].lower()}", "see /docs for the form", field)

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers) if error.headers else None
        return problem(error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, __: Exception) -> JSONResponse:
        return problem(500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase, "the log of the server says more")


def _printable(value: object) -> object:
    """Half of a surrogate pair cannot be written as UTF-8."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
