"""Errors as problem+json (RFC 9457) that name the field."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from knowledge.errors import BadInput, Busy, Conflict, NotAllowed, NotFound, SextantError, StateUnusable, Unavailable
from ui.api.known import fields

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
CURES = {
    404: "/docs has every address, and the lists of what is there",
    409: "look at what is there now, then ask again",
    413: "send less at once",
    421: "ask under localhost or 127.0.0.1, or serve with people (docs/faces.md)",
    422: "/docs says what it may be",
}
"""What to do where nothing better is known."""
NEEDS_JSON = "send a JSON object, with content-type: application/json"


def problem(
    status: int, title: str, detail: str = "", field: str | None = None, headers: dict[str, str] | None = None
) -> JSONResponse:
    """One problem: what was wrong, what to do, and the field where there is one."""
    cure = detail or CURES.get(status, "")
    body = {"type": "about:blank", "status": status, "title": title, "detail": cure, "field": field}
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
    async def _request(request: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, *_fault(request, error.errors()[0]))

    @app.exception_handler(HTTPException)
    async def _http(_: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        allowed = next((value for name, value in headers.items() if name.lower() == "allow"), "")
        cure = f"this address takes {allowed}" if allowed else ""
        return problem(error.status_code, str(error.detail), cure, headers=headers)

    @app.exception_handler(Exception)
    async def _unforeseen(_: Request, __: Exception) -> JSONResponse:
        return problem(500, HTTPStatus.INTERNAL_SERVER_ERROR.phrase, "the log of the server says more")


def _fault(request: Request, fault: dict[str, Any]) -> tuple[str, str, str]:
    """Title, cure and field of what FastAPI could not take."""
    kind, place = fault["type"], [str(part) for part in fault["loc"] if part not in ("body", "query", "path")]
    if kind == "json_invalid":
        return f"the body is no JSON: {fault['ctx']['error'].lower()} at character {place[0]}", NEEDS_JSON, ""
    if not place:
        return "the body is missing" if kind == "missing" else "the body is no JSON object", NEEDS_JSON, ""
    field = ".".join(place)
    if kind == "extra_forbidden":
        return f"{field}: unknown field", f"one of {', '.join(fields(request))}", field
    return f"{field}: {fault['msg'][:1].lower()}{fault['msg'][1:]}", "", field


def _printable(value: object) -> object:
    """Half of a surrogate pair cannot be written as UTF-8."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
