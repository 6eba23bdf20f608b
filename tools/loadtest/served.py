"""Which models an endpoint serves."""

import http.client
import json

from knowledge.errors import Unavailable
from tools.loadtest.permission import Endpoint

_TIMEOUT_S = 10.0
_MAX_BYTES = 1_000_000


def served_models(endpoint: Endpoint) -> tuple[str, ...]:
    """The names under `GET /v1/models`; Unavailable when the endpoint does not say."""
    kind = http.client.HTTPSConnection if endpoint.tls else http.client.HTTPConnection
    connection = kind(endpoint.host, endpoint.port, timeout=_TIMEOUT_S)
    cure = "check the address, or name the model with --model"
    try:
        connection.request("GET", f"{endpoint.base_path}/v1/models")
        answer = json.loads(connection.getresponse().read(_MAX_BYTES))
        return tuple(str(entry["id"]) for entry in answer["data"])
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{endpoint.url} does not answer: {error}", cure) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{endpoint.url} does not list its models like an OpenAI-compatible server", cure) from error
    finally:
        connection.close()
