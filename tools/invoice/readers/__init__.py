"""The bill formats, one reader per file. The first reader of the list that knows a header reads the file."""

from collections.abc import Sequence

from tools.invoice.readers import (
    anthropic_cost,
    anthropic_usage,
    aws_cur,
    azure_cost,
    cost_explorer,
    five_column,
    focus,
    gcp_billing,
    openai_costs,
    openai_usage,
    plain,
    token_log,
)
from tools.invoice.readers.base import Reader

# Specific headers first: plain lines accept whatever has an amount and a description.
READERS: tuple[Reader, ...] = (
    openai_costs.OpenAICosts(),
    openai_usage.OpenAIUsage(),
    anthropic_cost.AnthropicCost(),
    anthropic_usage.AnthropicUsage(),
    aws_cur.AwsCur(),
    focus.Focus(),
    gcp_billing.GcpBilling(),
    azure_cost.AzureCost(),
    cost_explorer.CostExplorer(),
    five_column.FiveColumn(),
    token_log.TokenLog(),
    plain.PlainLines(),
)


def reader_for(columns: Sequence[str]) -> Reader | None:
    """The reader that knows this header (folded column names), if one does."""
    present = frozenset(columns)
    return next((reader for reader in READERS if reader.recognises(present)), None)
