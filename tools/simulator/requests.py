"""What clients may send: the fields of the OpenAI interface that vLLM reads. Unknown fields are ignored, as there."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

TokenCount = Annotated[int, Field(ge=1, le=1 << 31)]
Stops = str | Annotated[list[str], Field(max_length=64)] | None
TokenIds = Annotated[list[Annotated[int, Field(ge=0, lt=1 << 53)]], Field(min_length=1)]
Prompts = (
    str
    | TokenIds
    | Annotated[list[str], Field(min_length=1, max_length=2048)]
    | Annotated[list[TokenIds], Field(min_length=1, max_length=2048)]
)


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    model: str | None = None
    user: str | None = None


class StreamOptions(BaseModel):
    """Whether usage is sent at the end, or with each chunk."""

    include_usage: bool | None = False
    continuous_usage_stats: bool | None = False


class ResponseFormat(BaseModel):
    """`json_schema` holds `{"name": …, "schema": {…}}`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class Sampling(_Body):
    """What completions and chat have in common."""

    n: Annotated[int, Field(ge=1, le=128)] = 1
    min_tokens: Annotated[int, Field(ge=0, le=1 << 31)] = 0
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    stop: Stops = None
    seed: int | None = None
    ignore_eos: bool = False
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    response_format: ResponseFormat | None = None

    @property
    def stops(self) -> tuple[str, ...]:
        """The stop strings, without empty ones."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return tuple(stop for stop in given if stop)

    @property
    def with_usage(self) -> bool:
        """Whether a stream ends with a usage chunk."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def with_running_usage(self) -> bool:
        """Whether each chunk of a stream carries usage."""
        return bool(self.stream_options and self.stream_options.continuous_usage_stats)


class CompletionRequest(Sampling):
    """`POST /v1/completions`."""

    prompt: Prompts
    max_tokens: TokenCount | None = 16
    echo: bool | None = False
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    suffix: str | None = None


class Part(BaseModel):
    """One part of a message's content; other than text only its presence counts."""

    type: str
    text: str | None = None


class Message(BaseModel):
    """One message of a chat."""

    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Function(BaseModel):
    """A function the model may call."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    description: str | None = None
    parameters: dict[str, Any] | None = None


class Tool(BaseModel):
    """A tool; only functions are known."""

    type: Literal["function"] = "function"
    function: Function


class NamedFunction(BaseModel):
    """The name of a function to call."""

    name: str


class NamedTool(BaseModel):
    """A tool choice that names the function."""

    type: Literal["function"] = "function"
    function: NamedFunction


class ChatRequest(Sampling):
    """`POST /v1/chat/completions`."""

    messages: Annotated[list[Message], Field(min_length=1)]
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    logprobs: bool | None = False
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedTool | None = None


class EmbeddingRequest(_Body):
    """`POST /v1/embeddings`."""

    input: Prompts
    encoding_format: Literal["float", "base64"] | None = "float"
    dimensions: Annotated[int, Field(ge=1, le=65536)] | None = None


class TextFormat(BaseModel):
    """The wanted form of a response's text."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None


class TextOptions(BaseModel):
    """`text` of a responses request."""

    format: TextFormat | None = None


class ResponseTool(BaseModel):
    """A tool of the responses interface, which has its fields at the top."""

    type: str
    name: str | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None


class ResponsesRequest(_Body):
    """`POST /v1/responses`. Items of `input` are messages, or results of tool calls."""

    input: str | list[dict[str, Any]]
    instructions: str | None = None
    max_output_tokens: TokenCount | None = None
    stream: bool | None = False
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    text: TextOptions | None = None
    tools: list[ResponseTool] | None = None
    tool_choice: str | dict[str, Any] | None = None


class Block(BaseModel):
    """A block of a turn in the messages interface; `content` is a tool's result."""

    type: Literal["text", "image", "tool_use", "tool_result", "tool_reference", "thinking", "redacted_thinking"]
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, Any] | None = None
    content: str | list[dict[str, Any]] | None = None


class Turn(BaseModel):
    """A turn of a conversation in the messages interface."""

    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class InputTool(BaseModel):
    """A tool of the messages interface."""

    name: Annotated[str, Field(min_length=1, max_length=256)]
    description: str | None = None
    input_schema: dict[str, Any]


class InputToolChoice(BaseModel):
    """Whether tools are called; `name` with type `tool`."""

    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None


class OutputConfig(BaseModel):
    """The wanted form of a message's text."""

    format: TextFormat | None = None


class CountRequest(_Body):
    """`POST /v1/messages/count_tokens`."""

    model: Annotated[str, Field(min_length=1)]
    messages: list[Turn]
    system: str | list[Block] | None = None
    tools: list[InputTool] | None = None
    tool_choice: InputToolChoice | None = None
    stop_sequences: Annotated[list[str], Field(max_length=64)] | None = None
    output_config: OutputConfig | None = None


class MessagesRequest(CountRequest):
    """`POST /v1/messages`."""

    max_tokens: TokenCount
    stream: bool | None = False
    temperature: Annotated[float, Field(ge=0)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None


class LoadAdapterRequest(BaseModel):
    """`POST /v1/load_lora_adapter`."""

    lora_name: str
    lora_path: str
    load_inplace: bool = False


class UnloadAdapterRequest(BaseModel):
    """`POST /v1/unload_lora_adapter`."""

    lora_name: str


class TokenizeRequest(_Body):
    """`POST /tokenize`: a prompt or a chat."""

    prompt: str | None = None
    messages: list[Message] | None = None
    tools: list[Tool] | None = None
    return_token_strs: bool | None = False


class DetokenizeRequest(_Body):
    """`POST /detokenize`."""

    tokens: list[Annotated[int, Field(ge=0, lt=1 << 53)]]
