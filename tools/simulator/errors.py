"""Errors as vLLM answers them: `{"error": {"message", "type", "param", "code"}}` with a fitting status."""

from pydantic import ValidationError

_TYPES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    409: "ConflictError",
    413: "RequestTooLargeError",
    422: "UnprocessableEntityError",
    429: "TooManyRequestsError",
    503: "ServiceUnavailableError",
}


class ApiError(Exception):
    """An answer that is an error; `param` names the field, `kind` is its type where the status does not say it."""

    def __init__(self, status: int, message: str, *, param: str | None = None, kind: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self._kind = kind

    @property
    def kind(self) -> str:
        """The error's type."""
        usual = "InternalServerError" if self.status >= 500 else "BadRequestError"
        return self._kind or _TYPES.get(self.status, usual)

    @property
    def body(self) -> dict[str, object]:
        """The error as clients read it."""
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.status}}


def invalid(error: ValidationError) -> ApiError:
    """A request whose fields are wrong: the first three, by name."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    described = (
        f"{'.'.join(str(step) for step in problem['loc']) or 'body'}: {problem['msg']}" for problem in problems
    )
    first = problems[0]["loc"][:1] if problems else ()
    return ApiError(400, "; ".join(list(described)[:3]), param=str(first[0]) if first else None)


def model_not_found(name: str) -> ApiError:
    """The model that a request names is not served here."""
    return ApiError(404, f"The model `{name[:200]}` does not exist.", param="model")


def too_long(prompt_tokens: int, max_model_len: int) -> ApiError:
    """The prompt leaves no room for a single token."""
    return ApiError(
        400,
        f"This model's maximum context length is {max_model_len} tokens. However, your request has {prompt_tokens} "
        "input tokens. Please reduce the length of the input messages.",
        param="input_tokens",
    )


def output_too_long(max_tokens: int, prompt_tokens: int, max_model_len: int) -> ApiError:
    """Prompt and wanted output together exceed the context."""
    return ApiError(
        400,
        f"'max_tokens' or 'max_completion_tokens' is too large: {max_tokens}. This model's maximum context length is "
        f"{max_model_len} tokens and your request has {prompt_tokens} input tokens "
        f"({max_tokens} > {max_model_len} - {prompt_tokens}).",
        param="max_tokens",
    )
