"""Names of sellers and models as bills write them, folded so that one thing has one name.

A folded name is a hint, not an identity: two rows of one seller are the same model only when their whole folded names
agree, or differ by nothing but the date of a snapshot.
"""

import re
from functools import lru_cache

# What bills call a seller -> its id in the catalog.
PROVIDERS = {
    "openai": "openai", "openaiapi": "openai", "openaiopco": "openai", "chatgpt": "openai",
    "anthropic": "anthropic", "anthropicpbc": "anthropic", "claude": "anthropic", "claudeapi": "anthropic",
    "aws": "aws", "amazon": "aws", "amazonwebservices": "aws", "amazonwebservicesinc": "aws", "awsmarketplace": "aws",
    "bedrock": "aws_bedrock", "amazonbedrock": "aws_bedrock", "awsbedrock": "aws_bedrock",
    "rekognition": "aws_rekognition", "amazonrekognition": "aws_rekognition",
    "polly": "aws_polly", "amazonpolly": "aws_polly", "transcribe": "aws_transcribe",
    "amazontranscribe": "aws_transcribe",
    "azure": "azure", "microsoft": "azure", "microsoftazure": "azure", "azureopenai": "azure",
    "azureopenaiservice": "azure",
    "azureai": "azure", "azureaifoundry": "azure", "foundrymodels": "azure",
    "google": "google_gemini", "gemini": "google_gemini", "geminiapi": "google_gemini", "googleai": "google_gemini",
    "googleaistudio": "google_gemini", "googlegemini": "google_gemini",
    "vertex": "google_vertex", "vertexai": "google_vertex", "googlevertex": "google_vertex",
    "googlevertexai": "google_vertex", "gcp": "google_cloud", "googlecloud": "google_cloud",
    "googlecloudplatform": "google_cloud", "googlecloudvision": "google_cloud",
    "together": "together_ai", "togetherai": "together_ai", "togethercomputer": "together_ai",
    "fireworks": "fireworks", "fireworksai": "fireworks", "fal": "fal_ai", "falai": "fal_ai",
    "voyage": "voyage_ai", "voyageai": "voyage_ai", "mistral": "mistral", "mistralai": "mistral",
    "groqcloud": "groq", "groq": "groq", "elevenlabsio": "elevenlabs", "11labs": "elevenlabs",
    "xai": "xai", "grok": "xai", "cohereai": "cohere", "deepseekai": "deepseek", "jina": "jina_ai", "jinaai": "jina_ai",
    "stability": "stability_ai", "stabilityai": "stability_ai", "bfl": "black_forest_labs",
    "huggingface": "huggingface", "hf": "huggingface", "cloudflare": "cloudflare_workers_ai",
    "workersai": "cloudflare_workers_ai", "vercel": "vercel_ai_gateway", "vercelaigateway": "vercel_ai_gateway",
    "oracle": "oracle_oci", "oci": "oracle_oci", "watsonx": "ibm_watsonx", "ibm": "ibm_watsonx",
    "snowflake": "snowflake_cortex", "novitaai": "novita", "nebiusai": "nebius", "nebiusaistudio": "nebius",
    "cerebrassystems": "cerebras", "lambdalabs": "lambda", "lambdacloud": "lambda", "runpodio": "runpod",
    "vast": "vast_ai", "vastai": "vast_ai", "runwayml": "runway", "perplexityai": "perplexity",
}  # fmt: skip

# Cloud that rents machines -> its id in the instance prices.
CLOUDS = {"aws": "aws", "azure": "azure", "google_cloud": "gcp", "google_vertex": "gcp", "oracle_oci": "oci"}

# Names that are one set of weights, although they are written apart; each with its reason.
EQUIVALENT = (
    (re.compile(r"^meta-llama-(?=\d)"), "llama-", "Meta renamed Meta-Llama to Llama without changing the weights"),
    (re.compile(r"^(llama-.*-instruct)-(?:turbo|lite)$"), r"\1", "Together serves the same weights in 8 or 4 bits"),
    (re.compile(r"^(llama-\d.*-(?:\d+b))-versatile$"), r"\1-instruct", "Groq's name of the instruct release"),
    (re.compile(r"-(?:maas|fp8|bf16|fp16)$"), "", "the same weights as a managed service or in another precision"),
)  # fmt: skip

# Models that their maker sells itself, for lines that name no seller.
_SOLD_BY_MAKER = (
    (re.compile(r"(?:ft-)?(?:gpt-\d|gpt-image|chatgpt|o[134](?:-|$)|dall-e|whisper-1|tts-1)"), "openai"),
    (re.compile(r"text-embedding-(?:3|ada)|sora"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"gemini-\d|veo-|imagen-"), "google_gemini"),
    (re.compile(r"grok-"), "xai"),
    (re.compile(r"(?:mistral-(?:large|medium|small)|codestral|magistral|ministral|devstral|pixtral)-"), "mistral"),
    (re.compile(r"command-|rerank-v\d|embed-(?:v\d|english|multilingual)"), "cohere"),
    (re.compile(r"voyage-"), "voyage_ai"),
    (re.compile(r"sonar"), "perplexity"),
    (re.compile(r"deepseek-(?:chat|reasoner)$"), "deepseek"),
    (re.compile(r"eleven"), "elevenlabs"),
)  # fmt: skip

_VENDORS = (
    "amazon", "anthropic", "meta", "mistral", "cohere", "ai21", "openai", "qwen", "google", "moonshotai",
    "moonshot", "minimax", "nvidia", "writer", "zai", "stability", "luma", "twelvelabs", "xai",
)  # fmt: skip
_VENDOR_PREFIX = re.compile(rf"^(?:(?:regional|global|us|eu|apac|au|jp)\.)?(?:{'|'.join(_VENDORS)})\.")
_SPACED_VENDOR = re.compile(r"^(?:amazon|google|anthropic|openai|meta|mistral-ai)-(?=[a-z])")
_DAY_SUFFIX = re.compile(r"-(?:(20\d{2})-?(\d{2})-?(\d{2}))$")
_SHORT_DAY_SUFFIX = re.compile(r"-(\d{2})(\d{2})$")
_COMPANY = re.compile(r"(?:inc|llc|ltd|gmbh|pbc|corp|com|labs|io)$")
_FILLERS = frozenset(
    {
        *(
            "additional",
            "extra",
            "overage",
            "character",
            "characters",
            "usage",
            "use",
            "of",
            "for",
            "the",
            "and",
            "model",
        ),
        *("models", "api", "hour", "hours", "minute", "minutes", "second", "seconds", "image", "images", "generation"),
        *("generated", "monthly", "included", "pay", "as", "you", "go", "calls", "requests", "serverless", "dedicated"),
        *("on", "demand", "tokens", "video", "audio", "transcription", "streaming", "speech", "recognition", "text"),
        *("to", "synthesis", "instruct", "maas", "prediction", "long", "short"),
    }
)
_TRAILING = re.compile(r"-(?:default|edition)$")


@lru_cache(maxsize=65536)
def squeezed(text: str) -> str:
    """Letters and digits only, lower-case."""
    return re.sub(r"[^a-z0-9]+", "", text.lower())


@lru_cache(maxsize=4096)
def provider_id(text: str, known: frozenset[str]) -> str:
    """The catalog's id of a seller, or an empty text. `known` are the sellers of the catalog."""
    ids = _squeezed_ids(known)
    name = squeezed(text)
    trimmed = _COMPANY.sub("", name)
    return PROVIDERS.get(name) or ids.get(name) or PROVIDERS.get(trimmed) or ids.get(trimmed, "")


@lru_cache(maxsize=4096)
def seller_of(model: str) -> str:
    """The seller of a line that names none: the first part of `azure/gpt-4o`, else the maker who sells the model."""
    prefix, slash, _ = model.strip().partition("/")
    if slash and (named := PROVIDERS.get(squeezed(prefix))):
        return named
    name = model_name(model)
    return next((seller for pattern, seller in _SOLD_BY_MAKER if pattern.match(name)), "")


@lru_cache(maxsize=8)
def _squeezed_ids(known: frozenset[str]) -> dict[str, str]:
    return {squeezed(provider): provider for provider in sorted(known)}


@lru_cache(maxsize=65536)
def model_name(text: str) -> str:
    """A model's name for comparing inside one seller: path, vendor prefix and punctuation folded, its date kept."""
    name = text.strip().lower().rstrip("/").rsplit("/", 1)[-1]
    if name.startswith("ft:"):  # a fine-tuned model is billed like every fine-tune of its base
        name = ":".join(name.split(":")[:2])
    name = re.sub(r"(?<!claude)-v?1:\d+.*$|(?<=-v[2-9]):0$", "", name)
    name = re.sub(r"^(?:regional\.)?deepseek\.", "deepseek-", name)
    name, from_vendor = _VENDOR_PREFIX.subn("", name)
    if from_vendor:
        name = re.sub(r"^(claude-.+)-v\d$", r"\1", name)
    name = re.sub(r"(?<=\d)p(?=\d)", ".", name)  # Fireworks writes 3p1 for 3.1
    name = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
    name = re.sub(r"^(llama)-?v?(?=\d)", r"\1-", name)
    return _TRAILING.sub("", _SPACED_VENDOR.sub("", name))


@lru_cache(maxsize=65536)
def undated(name: str) -> str:
    """A folded model name without the date of its snapshot."""
    return _DAY_SUFFIX.sub("", name)


def short_dated(name: str) -> str:
    """`gpt-4o-mini-2024-07-18` as Azure's meters write it: `gpt-4o-mini-0718`. Empty for a name without a date."""
    match = _DAY_SUFFIX.search(name)
    return f"{name[: match.start()]}-{match[2]}{match[3]}" if match else ""


def without_short_day(name: str) -> str:
    """`gpt-4o-mini-0718` without its day, when the last four digits are one."""
    match = _SHORT_DAY_SUFFIX.search(name)
    if match and 1 <= int(match[1]) <= 12 and 1 <= int(match[2]) <= 31:
        return name[: match.start()]
    return name


@lru_cache(maxsize=65536)
def same_weights(name: str) -> str:
    """The declared equivalence class of a folded model name."""
    plain = undated(name)
    for pattern, replacement, _ in EQUIVALENT:
        plain = pattern.sub(replacement, plain)
    return plain


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The words of a folded name in no order, versions kept whole: claude-4-5-haiku and claude-haiku-4-5 are equal."""
    name = re.sub(r"\bembeddings?\b", "embed", name)
    versions = re.sub(r"(?<=\d)-(?=\d)", ".", re.sub(r"(?<=[a-z])(?=\d)(?<!\bv)|(?<=\d)(?=[a-z]{3,})", "-", name))
    return tuple(sorted(word for word in versions.split("-") if word))


@lru_cache(maxsize=65536)
def telling_words(name: str, provider: str) -> tuple[str, ...]:
    """The words of a name without fillers of invoice prose and without the seller's own name (`eleven-...`)."""
    seller = squeezed(provider)
    kept = (word for word in words(name) if not (len(word) > 3 and seller.startswith(word)))
    telling = tuple(word for word in kept if word not in _FILLERS)
    return telling if len(telling) > 1 or any(map(str.isdigit, "".join(telling))) else ()  # "gpt" tells nothing
