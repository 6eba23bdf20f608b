"""`/docs`: every route with its parameters and an example body, on one page that loads nothing from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

Json = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif; }
h2 { margin-top: 2.2rem; text-transform: capitalize; }
h3 { margin: 1.6rem 0 0.2rem; font: 600 15px ui-monospace, monospace; }
p { margin: 0.2rem 0; } pre { padding: 0.7rem; overflow-x: auto; border: 1px solid #8884; border-radius: 6px; }
table { border-collapse: collapse; margin: 0.5rem 0; } td { padding: 0.15rem 0.9rem 0.15rem 0; vertical-align: top; }
code { font: 13px ui-monospace, monospace; } .quiet { opacity: 0.7; }
"""


def install(app: FastAPI) -> None:
    """Serve the page; it is drawn from the same OpenAPI form that programs read."""

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(page(app.openapi()))


def page(form: Json) -> str:
    """The page of an OpenAPI form."""
    sections: dict[str, list[str]] = {}
    for path, methods in form["paths"].items():
        for method, route in methods.items():
            sections.setdefault(route["tags"][0], []).extend(_route(method, path, route, form))
    sections["the intent"] = list(_intent(form))
    body = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in sections.items())
    head = f"<title>{escape(form['info']['title'])} API</title><style>{STYLE}</style>"
    intro = f"<h1>{escape(form['info']['title'])} API</h1><p>{escape(form['info']['description'])}</p>"
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{head}</head><body>{intro}'
        f'<p class="quiet">For programs: <a href="/openapi.json">/openapi.json</a>. '
        f"Errors are application/problem+json.</p>{body}</body></html>"
    )


def _route(method: str, path: str, route: Json, form: Json) -> Iterator[str]:
    scopes = sorted({scope for way in route.get("security", ()) for each in way.values() for scope in each})
    needs = f' <span class="quiet">scope {escape(", ".join(scopes))}</span>' if scopes else ""
    yield f"<h3>{method.upper()} {escape(path)}{needs}</h3><p>{escape(route.get('description', ''))}</p>"
    rows = [
        (given["name"], given["in"], given["schema"], given.get("description", ""), given.get("required", False))
        for given in route.get("parameters", ())
    ]
    kind, schema = _body(route, form)
    required = schema.get("required", ())
    rows += [
        (name, "body", each, each.get("description", ""), name in required)
        for name, each in schema.get("properties", {}).items()
    ]
    if rows:
        yield "<table>" + "".join(map(_row, rows)) + "</table>"
    if kind == "application/json":
        yield f"<pre>{escape(json.dumps(_example(schema), indent=2))}</pre>"


def _intent(form: Json) -> Iterator[str]:
    """The fields that `intent`, `set`, `vs` and `values` speak of."""
    yield "<p>Null is not said. Units stand at the end of a name; a field of a field is written budget.currency.</p>"
    schemas = form["components"]["schemas"]
    text = json.dumps(schemas["Intent"])
    for name in ("Intent", *(name for name in schemas if f'/{name}"' in text)):
        rows = [(field, "intent", each, "", False) for field, each in schemas[name]["properties"].items()]
        yield f"<h3>{escape(name)}</h3><table>{''.join(map(_row, rows))}</table>"


def _row(row: tuple[str, str, Json, str, bool]) -> str:
    name, place, schema, text, required = row
    needed = "required" if required else f"default {schema['default']}" if schema.get("default") else ""
    cells = (f"<code>{escape(name)}</code>", escape(place), escape(_kind(schema)), escape(needed), escape(text))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _kind(schema: Json) -> str:
    """The type, its choices or its name; several where there are several."""
    kinds = schema.get("anyOf", [schema])
    return " or ".join(_one_kind(each) for each in kinds if each.get("type") != "null")


def _one_kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    many = f" of {_kind(schema['items'])}" if schema.get("items") else ""
    return f"{schema.get('type', '')}{many}"


def _body(route: Json, form: Json) -> tuple[str, Json]:
    """Media type and schema of the body; empty where there is none."""
    for kind, content in route.get("requestBody", {}).get("content", {}).items():
        name = content["schema"].get("$ref", "").rpartition("/")[2]
        return kind, form["components"]["schemas"].get(name, content["schema"])
    return "", {}


def _example(schema: Json) -> Json:
    """The first example of every property that has one."""
    shown = {name: each["examples"][0] for name, each in schema.get("properties", {}).items() if each.get("examples")}
    return {name: value for name, value in shown.items() if value is not None}
