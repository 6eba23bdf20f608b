"""The OpenAPI form beyond what routes say of themselves: examples of answers, every error, the idempotency header."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from ui.api.idempotency import MAX_KEY_CHARS
from ui.api.identity import GUARDED
from ui.api.problems import PROBLEM

EXAMPLES = Path(__file__).with_name("examples.json")
ERRORS: dict[int, dict[str, str]] = {
    400: {"title": "There was an error parsing the body"},
    401: {"title": "say who you are", "detail": "give a name with its password, or an API key"},
    403: {"title": "this key lacks the scope 'deploy'",
          "detail": "make one that has it: sextant keys create NAME --scope deploy,sessions"},
    404: {"title": "unknown deployment: 'd-2f1c09a7be'"},
    408: {"title": "no more of the body came within 30 s"},
    409: {"title": "this card is out of date (revision 1, now 2)", "detail": "look at the newest card"},
    413: {"title": "the body is larger than 1,000,000 bytes"},
    421: {"title": "this server answers only to names of this machine"},
    422: {"title": "total_users: input should be greater than or equal to 1", "field": "total_users"},
    429: {"title": "too many requests: 1200 in 60 s is the limit of this person", "detail": "try again in 12 s"},
    503: {"title": "/home/ann/.local/state/sextant/records.sqlite is held by another process",
          "detail": "try again in a moment"},
}  # fmt: skip
OF_EVERYTHING = (421, 503)
OF_GUARDED = (401, 403, 404, 422, 429)
OF_POSTS = (400, 408, 409, 413)
KINDS = {
    "/v1/sessions/{session_id}/say": ("application/json", "text/event-stream"),
    "/v1/sessions/{session_id}/act": ("application/json", "text/event-stream"),
    "/v1/sessions/{session_id}/try": ("application/json", "text/event-stream"),
    "/v1/papers/{paper_id}": ("text/html", "application/json"),
    "/v1/sessions/{session_id}/refinement": ("application/json", "text/event-stream"),
    "/v1/sessions/{session_id}/report": ("text/html", "text/markdown"),
    "/v1/plan/report": ("text/html", "text/markdown"),
    "/v1/invoices": ("application/json", "text/html"),
    "/v1/catalog/export": ("text/csv", "application/json"),
    "/metrics": ("text/plain",),
}
PROBLEM_SCHEMA = {
    "type": "object",
    "title": "Problem",
    "description": "What was wrong, what to do, and the field where there is one (RFC 9457).",
    "required": ["type", "status", "title"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "title": {"type": "string", "description": "What was wrong, in one line."},
        "detail": {"type": "string", "description": "What to do."},
        "field": {"type": "string", "description": "The field that was wrong, by dotted path."},
    },
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Any text of yours, a UUID say. The request repeated with it gets the first answer, for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": "^[!-~]+$"},
    "example": "5f0c8a52-8e0f-4f36-9d0a-3f4f6c2f7a11",
}


def install(app: FastAPI) -> None:
    """Describe the routes of `app`, once, when the form is first asked for."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way of extending the form


def described(app: FastAPI) -> dict[str, Any]:
    """The form with errors and examples."""
    form = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    for path, methods in form["paths"].items():
        for method, route in methods.items():
            _with_answers(path, route, examples.get(f"{method.upper()} {path}"))
            _with_errors(path, method, route)
            if method == "post":
                route.setdefault("parameters", []).append(IDEMPOTENCY_KEY)
    parts = form["components"]
    parts["responses"] = {f"Problem{status}": _problem(status) for status in ERRORS}
    parts["schemas"] = {
        **{name: schema for name, schema in parts["schemas"].items() if "ValidationError" not in name},
        "Problem": PROBLEM_SCHEMA,
    }
    return form


def _with_answers(path: str, route: dict[str, Any], example: Any) -> None:
    for status, answer in route["responses"].items():
        if not status.startswith("2") or status == "204":
            continue
        content: dict[str, dict[str, Any]] = answer.get("content", {})
        schema: Any = next((each.get("schema", {}) for each in content.values()), {})
        kinds = KINDS.get(path, tuple(content))
        answer["content"] = {kind: {"schema": schema if "json" in kind else {"type": "string"}} for kind in kinds}
        if example is not None and "application/json" in answer["content"]:
            answer["content"]["application/json"]["example"] = example


def _with_errors(path: str, method: str, route: dict[str, Any]) -> None:
    guarded = path.startswith(GUARDED)
    statuses = [*OF_EVERYTHING, *(OF_GUARDED if guarded else ()), *(OF_POSTS if method == "post" else ())]
    told = {status: answer for status, answer in route["responses"].items() if status.startswith("2")}
    for status in sorted(statuses):
        told[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    route["responses"] = told


def _problem(status: int) -> dict[str, Any]:
    example = {"type": "about:blank", "status": status, **ERRORS[status]}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": HTTPStatus(status).phrase, "content": {PROBLEM: {"schema": schema, "example": example}}}
