"""The field's words in plain ones, for people who meet them here first."""

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the field: its name, other spellings in lower case, and what it means."""

    name: str
    spellings: tuple[str, ...]
    meaning: str


TERMS = (
    Term("TTFT", ("ttft", "time to first token", "first token"),
         "time to first token, how long a person waits until the answer begins. It grows with the length of the prompt"
         " and with the load."),
    Term("TPOT", ("tpot", "itl", "tbt", "time per output token", "inter-token latency", "inter token latency"),
         "time per output token, the pace at which the answer is written after its first token. 50 ms is 20 tokens a"
         " second, faster than people read."),
    Term("E2E", ("e2e", "end to end", "end to end latency", "e2e latency"),
         "end-to-end latency, from the request to the last token: TTFT plus TPOT for each token of the answer."),
    Term("ISL", ("isl", "input sequence length", "prompt length"), "input sequence length, the tokens of a prompt."),
    Term("OSL", ("osl", "output sequence length", "answer length"), "output sequence length, the tokens of an answer."),
    Term("Token", ("token", "tokens"),
         "a piece of a word that models read and write; 1,000 tokens are about 750 English words."),
    Term("Percentile", ("p50", "p90", "p95", "p99", "percentile", "percentiles"),
         "p90 within 300 ms means that nine requests in ten need 300 ms or less; p50 is the middle one."),
    Term("QPS", ("qps", "rps", "requests per second"), "requests that arrive per second, on average or at the peak."),
    Term("SLO", ("slo", "slos", "service level objective"),
         "service level objective, a promise that can be measured, such as TTFT p90 within 300 ms."),
    Term("Goodput", ("goodput",), "the requests per second that are answered within every target."),
    Term("KV cache", ("kv cache", "kv-cache", "kvcache"),
         "memory in which the model keeps what it has read, so that it need not read it again for every token. It"
         " limits how many requests one replica holds at once."),
    Term("Replica", ("replica", "replicas"),
         "one running copy of the model, on one or several GPUs. More replicas carry more load; each answers alone."),
    Term("Tensor parallelism", ("tensor parallel", "tensor parallelism", "tp"),
         "one replica split over several GPUs that work on every token together. It makes room for larger models and"
         " answers faster; TP4 is four GPUs."),
    Term("Quantization", ("quantization", "quantisation", "fp8", "fp4", "int4", "int8", "awq", "gptq", "bf16"),
         "storing the model's numbers in fewer bits: fp8 takes half the memory of bf16, fp4 and int4 a quarter. It"
         " costs little quality and saves memory and time."),
    Term("Continuous batching", ("continuous batching", "batching", "batch size"),
         "many requests share every pass of the model; new ones join while others are being written."),
    Term("Prefix caching", ("prefix caching", "prefix cache"),
         "the part that many prompts begin with, such as instructions, is read once and kept."),
    Term("Speculative decoding", ("speculative decoding", "speculation"),
         "a small helper guesses several tokens that the model then checks in one pass, which shortens TPOT."),
    Term("Spot", ("spot", "spot machine", "spot machines", "spot instance", "spot instances"),
         "spare machines at a discount that the cloud may take back at any time."),
    Term("Reserved", ("reserved", "reserved instances", "reservation"),
         "machines paid for one or three years at a discount, used or not."),
    Term("On demand", ("on demand", "on-demand"), "machines rented by the hour, returned whenever one likes."),
    Term("N+1", ("n+1", "n + 1"),
         "one replica more than the load needs, so that one may fail without anybody noticing."),
    Term("RAG", ("rag", "retrieval augmented generation"),
         "retrieval-augmented generation: passages of one's own documents are found first and put into the prompt."),
    Term("MoE", ("moe", "mixture of experts"),
         "mixture of experts: a large model of which each token uses a small part, so that it answers like a small one"
         " and needs the memory of a large one."),
    Term("vLLM", ("vllm",), "the open-source engine that runs the models in what Sextant deploys."),
    Term("Utilization", ("utilization", "utilisation", "used"),
         "the load at the peak divided by what the replicas carry within the targets."),
    Term("PUE", ("pue",), "power usage effectiveness: all power of a data centre divided by that of its computers."),
    Term("TCO", ("tco", "total cost of ownership"), "total cost of ownership: buying, power, space and upkeep."),
)  # fmt: skip


@lru_cache(maxsize=1)
def _by_spelling() -> dict[str, Term]:
    return {spelling: term for term in TERMS for spelling in term.spellings}


def term_of(words: str) -> Term | None:
    """The term that words name, or None."""
    return _by_spelling().get(" ".join(words.lower().split()))
