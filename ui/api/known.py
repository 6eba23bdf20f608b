"""What each route takes, read off the OpenAPI form: a misspelt name is refused with those that are known."""

from typing import Any

from fastapi import Request

from knowledge.errors import BadInput


async def parameters(request: Request) -> None:
    """Refuse query parameters that the route does not know. Raises BadInput naming the first."""
    known = [each["name"] for each in _route(request).get("parameters", ()) if each["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            cure = f"one of {', '.join(known)}" if known else "this address takes none"
            raise BadInput(f"unknown parameter: {name[:80]!r}", cure, field=name[:80])


def fields(request: Request) -> tuple[str, ...]:
    """The fields of the body that the route takes."""
    content = _route(request).get("requestBody", {}).get("content", {}).values()
    name = next((each["schema"].get("$ref", "").rpartition("/")[2] for each in content), "")
    return tuple(request.app.openapi()["components"]["schemas"].get(name, {}).get("properties", {}))


def _route(request: Request) -> dict[str, Any]:
    methods: dict[str, dict[str, Any]] = request.app.openapi()["paths"].get(request.scope["route"].path, {})
    return methods.get(request.method.lower(), {})
