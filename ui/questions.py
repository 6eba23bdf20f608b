"""What programs ask, over HTTP and MCP: typed, bounded, refusing what it does not know."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tools.intent import Intent

MAX_TEXT_CHARS = 50_000
MANY, SKIPPED = "How many offers to return.", "How many to skip; `next_offset` of the page before."
EXAMPLE = "a support chatbot for 1,000 users, fast, under $5k a month"


class Body(BaseModel):
    """Base of what is asked: unknown fields are refused, and numbers that are none."""

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
Intention = Annotated[dict[str, Any], BeforeValidator(_writable, json_schema_input_type=Intent)]
"""Told as an intent; what is wrong with it is said by the tools, which take dotted paths too."""
Word = Annotated[Text, Field(max_length=200)]
Cards = Annotated[int, Field(ge=1, le=4096)]


class Message(Body):
    """Words to understand."""

    text: Text = Field(max_length=MAX_TEXT_CHARS, examples=[EXAMPLE], description="What somebody said they need.")


class Need(Body):
    """What is needed: words, or an intent as `/v1/extract` gives it; `set` changes fields by dotted path."""

    text: Text | None = Field(
        default=None, max_length=MAX_TEXT_CHARS, examples=[EXAMPLE], description="What is needed, in words."
    )
    intent: Intention | None = Field(
        default=None, examples=[None], description="The same as fields, in place of words; null is not said."
    )
    set: dict[str, Any] = Field(
        default_factory=dict,
        examples=[{"budget.max_monthly_cost_usd": 3000}],
        description="Fields of the intent to change, by dotted path; null clears one.",
    )
    limit: int = Field(default=10, ge=1, le=100, description="Options in each list.")


class Planned(Need):
    """A need to plan for."""

    why: Text | None = Field(
        default=None,
        examples=["meta-llama/Llama-3.3-70B-Instruct@H100"],
        description="Why not this? MODEL, or MODEL@ACCELERATOR; answered as `candidate`.",
    )


class Compared(Need):
    """A need, and what is different on the other side."""

    vs: dict[str, Any] = Field(
        min_length=1, examples=[{"total_users": 2000}], description="Fields of the intent that differ, by dotted path."
    )


class Configured(Body):
    """One configuration and its load; with neither concurrency nor rps: the offline maximum."""

    model: Text = Field(examples=["meta-llama/Llama-3.1-8B-Instruct"], description="Hub id or name.")
    gpu: Text = Field(examples=["H100"], description="Accelerator by its name.")
    tp: Cards = Field(default=1, description="Tensor parallel: cards that share every layer.")
    pp: Cards = Field(default=1, description="Pipeline parallel: stages of layers, each with tp cards.")
    dp: Cards = Field(default=1, description="Data-parallel attention ranks within one replica.")
    ep: Cards = Field(default=1, description="Expert parallel: cards that the experts of a layer spread over.")
    quantization: Text = Field(default="", description="bf16, fp16, fp8, int8, fp4 or int4; as released if empty.")
    kv_dtype: Text = Field(default="auto", description="auto or fp8.")
    engine: Text = Field(default="vllm", description="vllm, sglang or tensorrt-llm.")
    replicas: Cards = Field(default=1, description="Replicas that share the load.")
    isl: float = Field(default=1024, gt=0, description="Mean prompt length, tokens.")
    osl: float = Field(default=256, gt=0, description="Mean output length, tokens.")
    concurrency: float | None = Field(
        default=None, gt=0, examples=[16], description="Requests in flight, on all replicas together."
    )
    rps: float | None = Field(
        default=None,
        gt=0,
        examples=[None],
        description="Requests per second, to all replicas together; in place of concurrency.",
    )


class Searched(Body):
    """Words of seller, model or SKU."""

    text: Word = Field(examples=["llama groq"], description="Words of seller, model or SKU.")
    workload: Word = Field(default="", description="Only this workload, such as llm or speech_to_text.")
    limit: int = Field(default=20, ge=1, le=1000, description=MANY)
    offset: int = Field(default=0, ge=0, le=1_000_000, description=SKIPPED)


class Ranked(Body):
    """A ranking of offers, like with like."""

    workload: Word = Field(default="llm", description="llm, embeddings, rerank, speech_to_text, …, or gpu.")
    model: Word = Field(default="", description="Words of the model's name; of the accelerator for gpu.")
    usage: list[Word] = Field(
        default_factory=list,
        max_length=10,
        examples=[["input=300M tokens", "output=60M tokens"]],
        description="What is used in a month, as name=quantity: input=300M tokens, audio=100 hours.",
    )
    unit: Word = Field(default="", description="Compare per this unit instead of the usual one.")
    schedule: Word = Field(default="", description="standard, batch, priority, flex; spot, reserved_1y for gpu.")
    providers: list[Word] = Field(default_factory=list, max_length=50, description="Only these sellers.")
    regions: list[Word] = Field(default_factory=list, max_length=50, description="Only these regions.")
    include: list[Word] = Field(
        default_factory=list, max_length=10, description="Admit marked offers: free, reseller, deprecated, …"
    )
    limit: int = Field(default=10, ge=1, le=1000, description=MANY)
    offset: int = Field(default=0, ge=0, le=1_000_000, description=SKIPPED)


class Billed(Body):
    """A bill on this machine, or its text."""

    path: Text = Field(
        default="", max_length=4000, description="The file: CSV, TSV, JSON, Excel, Parquet, gzip or zip."
    )
    content: Text = Field(default="", max_length=1_000_000, description="In place of a path: the bill as text.")
    rates: list[Word] = Field(
        default_factory=list,
        max_length=50,
        examples=[["EUR=1.08@2026-11-01"]],
        description="What a currency is worth in USD on a day, for bills in it.",
    )
    provider: Word = Field(default="", description="Provider of lines that name none.")
    task: Word = Field(default="chatbot", description="What the models are for, to judge substitutes by.")
    limit: int = Field(default=10, ge=1, le=1000, description="Findings and anomalies to tell.")
