"""What request bodies have in common."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Body(BaseModel):
    """Base of request bodies: unknown fields are refused, and numbers that are none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


def _writable(value: Any) -> Any:
    """JSON can spell half of a surrogate pair, which no file and no database takes."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise ValueError("holds half of a surrogate pair") from error
    return value


Text = Annotated[str, BeforeValidator(_writable)]
