"""Every price source against a server that speaks its wire format, with the faults that servers have.

None of these services was ever asked live: shapes come from public client code and documentation (docs/catalog.md).
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

import knowledge.connectors
from knowledge.connectors import CONNECTORS
from knowledge.connectors.protocol import Access, Connector, Fetched, Tier
from knowledge.connectors.transport import Transport
from knowledge.errors import BadInput, SextantError, Unavailable
from knowledge.snapshot import load
from tools.catalog.machines import accelerator_of
from tools.units import parse_unit

TODAY = date(2026, 11, 21)
BY_NAME = {connector.name: connector for connector in CONNECTORS}
OFFLINE = {"genai_prices", "folder"}
AWS_HEAD = '"FormatVersion","v1.0"\n"Disclaimer","prices as published"\n"Publication Date","2026-11-01T00:00:00Z"\n'
EC2_COLUMNS = (
    "SKU,OfferTermCode,TermType,PriceDescription,Unit,PricePerUnit,Currency,LeaseContractLength,PurchaseOption,"
    "OfferingClass,Instance Type,vCPU,Memory,Tenancy,Operating System,CapacityStatus,Pre Installed S/W,GPU,MarketOption"
)
HAIKU = "Claude Haiku 4.5 (Amazon Bedrock Edition)"


def csv_list(columns: str, *rows: str) -> str:
    return AWS_HEAD + "\n".join([columns, *rows]) + "\n"


def aws_list(*prices: tuple[str, float, int, dict[str, str]]) -> dict[str, Any]:
    """Write products and their on-demand terms as the AWS price list does: (unit, USD, from, attributes)."""
    products = {f"SKU{place}": {"attributes": price[3]} for place, price in enumerate(prices)}
    terms = {
        f"SKU{place}": {
            "TERM": {
                "priceDimensions": {
                    "RATE": {"unit": unit, "beginRange": str(start), "pricePerUnit": {"USD": f"{usd:.10f}"}}
                }
            }
        }
        for place, (unit, usd, start, _) in enumerate(prices)
    }
    return {"formatVersion": "v1.0", "products": products, "terms": {"OnDemand": terms}}


def azure_item(sku: str, usd: float, **more: Any) -> dict[str, Any]:
    return {
        "currencyCode": "USD",
        "retailPrice": usd,
        "armSkuName": sku,
        "productName": "Virtual Machines ND Series",
        "meterName": sku,
        "skuName": sku,
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "new field": 1,
        **more,
    }


def gcp_sku(description: str, group: str, unit: str, *tiers: tuple[float, str, int], usage: str = "OnDemand") -> Any:
    rates = [
        {"startUsageAmount": start, "unitPrice": {"currencyCode": "USD", "units": units, "nanos": nanos}}
        for start, units, nanos in tiers
    ]
    return {
        "description": description,
        "category": {"resourceGroup": group, "usageType": usage},
        "serviceRegions": ["us-central1"],
        "pricingInfo": [{"pricingExpression": {"usageUnit": unit, "tieredRates": rates}}],
    }


# What each service answers, by path; one entry per page, the last again and again. {base} is the server's address.
WIRES: dict[str, dict[str, list[Any]]] = {
    "openrouter": {
        "/models": [
            {
                "data": [
                    {
                        "id": "qwen/qwen3.7-plus",
                        "name": "Qwen: Qwen3.7 Plus",
                        "context_length": 1000000,
                        "architecture": {"output_modalities": ["text"], "a new field": 1},
                        "pricing": {
                            "prompt": "0.00000032",
                            "completion": "0.00000128",
                            "request": "0",
                            "input_cache_read": "0.00000006",
                            "a new price": "3",
                        },
                    },
                    {"id": "router/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
                    {"id": "maker/gratis:free", "pricing": {"prompt": "0", "completion": "0"}},
                    {"id": "maker/zero", "pricing": {"prompt": "0", "completion": "a lot"}},
                    {"id": "maker/none"},
                ]
            }
        ]
    },
    "huggingface": {
        "/models": [
            {
                "data": [
                    {
                        "id": "openai/gpt-oss-120b",
                        "providers": [
                            {
                                "provider": "novita",
                                "status": "live",
                                "context_length": 131072,
                                "pricing": {"input": 0.05, "output": 0.25},
                                "throughput": 92.1,
                                "first_token_latency_ms": 410,
                            },
                            {"provider": "asleep", "status": "staging", "pricing": {"input": 1, "output": 1}},
                        ],
                    }
                ]
            }
        ]
    },
    "vercel": {
        "/models": [
            {
                "data": [
                    {
                        "id": "anthropic/claude-sonnet-4.5",
                        "type": "language",
                        "context_window": 1000000,
                        "pricing": {
                            "input": "0.000003",
                            "output": "0.000015",
                            "input_cache_read": "0.0000003",
                            "input_tiers": [
                                {"cost": "0.000003", "min": 0, "max": 200000},
                                {"cost": "0.000006", "min": 200000},
                            ],
                        },
                    },
                    {"id": "x/hologram", "type": "hologram", "pricing": {"input": "1"}},
                    {"id": "x/painter", "type": "image", "pricing": {"image": "0.04"}},
                ]
            }
        ]
    },
    "deepinfra": {
        "/models/list": [
            [
                {
                    "model_name": "deepseek-ai/DeepSeek-V4-Flash",
                    "type": "text-generation",
                    "max_tokens": 163840,
                    "pricing": {
                        "type": "tokens",
                        "cents_per_input_token": 9e-06,
                        "cents_per_output_token": 1.8e-05,
                        "rate_per_input_token_cached": 0.1,
                    },
                },
                {
                    "model_name": "meta-llama/Chat",
                    "type": "text-generation",
                    "pricing": {
                        "type": "tokens",
                        "cents_per_input_token": 2e-05,
                        "cents_per_output_token": 4e-05,
                        "discount": 0.5,
                        "rate_per_service_tier_flex": 0.5,
                    },
                },
                {
                    "model_name": "nvidia/hears",
                    "type": "automatic-speech-recognition",
                    "pricing": {"type": "input_length", "cents_per_input_sec": 0.005},
                },
                {
                    "model_name": "hexgrad/speaks",
                    "type": "text-to-speech",
                    "pricing": {"type": "input_character_length", "cents_per_input_chars": 6.2e-05},
                },
                {
                    "model_name": "baai/bge",
                    "type": "embeddings",
                    "pricing": {"type": "input_tokens", "cents_per_input_token": 1e-06},
                },
                {"model_name": "x/painter", "type": "text-to-image", "pricing": {"type": "image_units"}},
            ]
        ]
    },
    "together": {
        "/models": [
            [
                {
                    "id": "meta-llama/Llama-3.3-70B",
                    "type": "chat",
                    "context_length": 131072,
                    "pricing": {"hourly": 0, "input": 0.88, "output": 0.88, "cachedInput": None},
                },
                {"id": "x/dedicated", "type": "chat", "pricing": {"input": 0, "output": 0}},
            ]
        ]
    },
    "fal": {
        "/models": [
            {
                "models": [{"endpoint_id": "fal-ai/flux/dev", "metadata": {"category": "text-to-image"}}],
                "has_more": True,
                "next_cursor": "second",
            },
            {
                "models": [
                    {"endpoint_id": "fal-ai/veo", "metadata": {"category": "text-to-video"}},
                    {"endpoint_id": "fal-ai/odd", "metadata": {"category": "text-to-image"}},
                ],
                "has_more": False,
            },
        ],
        "/models/pricing": [
            {
                "prices": [
                    {"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.025, "unit": "megapixels", "currency": "USD"},
                    {"endpoint_id": "fal-ai/veo", "unit_price": 0.4, "unit": "seconds", "currency": "USD"},
                    {"endpoint_id": "fal-ai/odd", "unit_price": 1, "unit": "credits", "currency": "USD"},
                ]
            }
        ],
    },
    "aws_ec2": {
        "/AmazonEC2/current/us-east-1/index.csv": [
            csv_list(
                EC2_COLUMNS,
                'A,J,OnDemand,"$55.04 per p5",Hrs,55.0400000000,USD,,,,p5.48xlarge,192,"2,048 GiB",Shared,Linux,Used,'
                "NA,8,OnDemand",
                "A,J,OnDemand,windows,Hrs,90.1,USD,,,,p5.48xlarge,192,2048 GiB,Shared,Windows,Used,NA,8,OnDemand",
                "A,R,Reserved,1y,Hrs,36.1,USD,1yr,No Upfront,standard,p5.48xlarge,192,2048 GiB,Shared,Linux,Used,NA,8,",
                "A,R,Reserved,up,Quantity,99,USD,1yr,All Upfront,standard,p5.48xlarge,2,8 GiB,Shared,Linux,Used,NA,8,",
                "B,J,OnDemand,cpu,Hrs,0.2,USD,,,,m7i.large,2,8 GiB,Shared,Linux,Used,NA,,OnDemand",
                "C,J,OnDemand,odd,Hrs,3,USD,,,,z99.huge,2,8 GiB,Shared,Linux,Used,NA,4,OnDemand",
            )
        ]
    },
    "aws_bedrock": {
        "/AmazonBedrock/current/us-east-1/index.json": [
            aws_list(
                ("1K tokens", 0.0008, 0, {"usagetype": "USE1-Nova2Pro-input-tokens", "model": "Nova 2 Pro"}),
                ("1K tokens", 0.0032, 0, {"usagetype": "USE1-Nova2Pro-output-tokens-batch", "model": "Nova 2 Pro"}),
                ("Hour", 24.0, 0, {"usagetype": "USE1-Nova2Pro-Customization", "model": "Nova 2 Pro"}),
            )
        ],
        "/AmazonBedrockFoundationModels/current/us-east-1/index.json": [
            aws_list(
                ("Units", 1.1, 0, {"usagetype": "USE1-MP:USE1_InputTokenCount-Units", "servicename": HAIKU}),
                ("Units", 1.0, 0, {"usagetype": "USE1-MP:USE1_InputTokenCount_Global-Units", "servicename": HAIKU}),
                ("Units", 9.0, 0, {"usagetype": "USE1-MP:USE1_Reserved_1Month_InputTPM-Units", "servicename": HAIKU}),
            )
        ],
    },
    "aws_rekognition": {
        "/AmazonRekognition/current/us-east-1/index.json": [
            aws_list(
                ("Images", 0.001, 0, {"usagetype": "USE1-Group2-ImagesProcessed"}),
                ("Images", 0.0008, 1000000, {"usagetype": "USE1-Group2-ImagesProcessed"}),
                ("FaceMonths", 0.00001, 0, {"usagetype": "USE1-FaceStorage"}),
            )
        ]
    },
    "azure": {
        "/": [
            {"Items": [azure_item("Standard_ND96isr_H100_v5", 98.32)], "NextPageLink": "{base}/?$skip=1000"},
            {
                "Items": [
                    azure_item("Standard_ND96isr_H100_v5", 40.1, meterName="ND96isr H100 v5 Spot"),
                    azure_item("Standard_ND96isr_H100_v5", 150.0, productName="Virtual Machines ND Series Windows"),
                    azure_item("Standard_D2s_v5", 0.1),
                ],
                "NextPageLink": None,
            },
            {"Items": [azure_item("Standard_ND96isr_H100_v5", 525600.0, reservationTerm="1 Year")]},
        ]
    },
    "gcp": {
        "/services": [
            {
                "services": [{"name": "services/6F81-5844-456A", "displayName": "Compute Engine"}],
                "nextPageToken": "more",
            },
            {"services": [{"name": "services/VISION", "displayName": "Cloud Vision API"}], "nextPageToken": ""},
        ],
        "/services/6F81-5844-456A/skus": [
            {
                "skus": [gcp_sku("Nvidia L4 GPU running in Americas", "GPU", "h", (0, "0", 560000000))],
                "nextPageToken": "more",
            },
            {
                "skus": [
                    gcp_sku("N2 Instance Core running in Americas", "CPU", "h", (0, "0", 31000000)),
                    gcp_sku("Nvidia Oddity 9 GPU running in Americas", "GPU", "h", (0, "1", 0)),
                    gcp_sku("Nvidia L4 GPU DWS Calendar Mode in Americas", "GPU", "h", (0, "0", 300000000)),
                ]
            },
        ],
        "/services/VISION/skus": [
            {
                "skus": [
                    gcp_sku(
                        "Label Detection", "Vision", "count", (0, "0", 0), (1000, "0", 1500000), (5000000, "0", 1000000)
                    )
                ]
            }
        ],
    },
    "oci": {
        "/products/": [
            {
                "items": [
                    {
                        "displayName": "Oracle Cloud Infrastructure - Compute - GPU - H100",
                        "partNumber": "B98415",
                        "metricName": "GPU Per Hour",
                        "currencyCodeLocalizations": [
                            {
                                "currencyCode": "USD",
                                "prices": [
                                    {"model": "PAY_AS_YOU_GO", "value": 0, "rangeMin": 0, "rangeMax": 1},
                                    {"model": "PAY_AS_YOU_GO", "value": 10, "rangeMin": 1},
                                ],
                            }
                        ],
                    },
                    {"displayName": "Block Volume", "metricName": "Gigabyte Per Month"},
                ]
            }
        ]
    },
    "runpod": {
        "/graphql": [
            {
                "data": {
                    "gpuTypes": [
                        {
                            "id": "NVIDIA H100 80GB HBM3",
                            "displayName": "H100 SXM",
                            "memoryInGb": 80,
                            "securePrice": 2.99,
                            "communityPrice": 0,
                            "lowestPrice": {"minimumBidPrice": 1.75, "minVcpu": 16, "stockStatus": "High"},
                        },
                        {"id": "unknown", "displayName": "Abacus", "memoryInGb": 1, "securePrice": 1},
                    ]
                }
            }
        ]
    },
    "vast": {
        "/bundles/": [
            {
                "offers": [
                    {"gpu_name": "H100 SXM", "num_gpus": 8, "dph_base": 16.0, "min_bid": 9.6, "storage_cost": 0.0},
                    {"gpu_name": "H100 SXM", "num_gpus": 8, "dph_base": 18.0, "min_bid": 9.0, "storage_cost": 0.0},
                    {"gpu_name": "H100 SXM", "num_gpus": 2, "dph_total": 3.5},
                    {"gpu_name": "Abacus", "num_gpus": 1, "dph_base": 1.0},
                ]
            }
        ]
    },
    "lambda_cloud": {
        "/instance-types": [
            {
                "data": {
                    "gpu_8x_h100_sxm5": {
                        "instance_type": {
                            "name": "gpu_8x_h100_sxm5",
                            "description": "8x H100 (80 GB SXM5)",
                            "gpu_description": "H100 (80 GB SXM5)",
                            "price_cents_per_hour": 2392,
                            "specs": {"vcpus": 208, "memory_gib": 1800},
                        }
                    },
                    "cpu_4x_general": {"instance_type": {"name": "cpu_4x_general", "price_cents_per_hour": 10}},
                }
            }
        ]
    },
    "litellm": {
        "/": [
            {
                "sample_spec": {"input_cost_per_token": 0.0},
                "us.anthropic.claude-sonnet-4-5": {
                    "litellm_provider": "bedrock_converse",
                    "mode": "chat",
                    "input_cost_per_token": 3.3e-06,
                    "output_cost_per_token": 1.65e-05,
                    "cache_read_input_token_cost_above_200k_tokens": 6.6e-07,
                    "input_cost_per_token_batches": 1.65e-06,
                    "max_input_tokens": 200000,
                    "deprecation_date": "2027-04-08",
                    "a_new_field": [],
                },
                "deepgram/nova-3": {
                    "litellm_provider": "deepgram",
                    "mode": "audio_transcription",
                    "input_cost_per_second": 7.167e-05,
                },
                "dashscope/qwen3-coder-plus": {
                    "litellm_provider": "dashscope",
                    "mode": "chat",
                    "tiered_pricing": [
                        {"input_cost_per_token": 1e-06, "range": [0, 32000.0]},
                        {"input_cost_per_token": 1.8e-06, "range": [32000.0, 128000.0]},
                    ],
                },
                "github_copilot/gpt": {"litellm_provider": "github_copilot", "mode": "chat"},
            }
        ]
    },
    "models_dev": {
        "/": [
            {
                "venice": {
                    "models": {
                        "kimi-k3": {
                            "name": "Kimi K3",
                            "cost": {"input": 0.6, "output": 2.5, "context_over_200k": {"input": 1.2}},
                            "limit": {"context": 262144, "output": 8192},
                            "modalities": {"output": ["text"]},
                        },
                        "claude-fresh": {
                            "cost": {
                                "input": 3.0,
                                "output": 15.0,
                                "context_over_200k": {"input": 9.0},
                                "tiers": [{"input": 6.0, "tier": {"type": "context", "size": 272000}}],
                            }
                        },
                        "speaker": {"cost": {"input": 1}, "modalities": {"output": ["audio"]}},
                    }
                },
                "some-plan": {"models": {}},
            }
        ]
    },
}
# What must come of it: name of the price -> USD.
EXPECTED: dict[str, dict[str, float]] = {
    "openrouter": {
        "openrouter_qwen_qwen3_7_plus_per_token_input_1m_tokens": 0.32,
        "openrouter_qwen_qwen3_7_plus_per_token_output_1m_tokens": 1.28,
        "openrouter_qwen_qwen3_7_plus_cached_input_cache_read_1m_tokens": 0.06,
        "openrouter_maker_gratis_free_per_token_input_1m_tokens": 0.0,
        "openrouter_maker_gratis_free_per_token_output_1m_tokens": 0.0,
    },
    "huggingface": {
        "huggingface_openai_gpt_oss_120b_novita_per_token_input_1m_tokens": 0.05,
        "huggingface_openai_gpt_oss_120b_novita_per_token_output_1m_tokens": 0.25,
    },
    "vercel": {
        "vercel_ai_gateway_anthropic_claude_sonnet_4_5_per_token_input_1m_tokens": 3.0,
        "vercel_ai_gateway_anthropic_claude_sonnet_4_5_per_token_output_1m_tokens": 15.0,
        "vercel_ai_gateway_anthropic_claude_sonnet_4_5_cached_input_cache_read_1m_tokens": 0.3,
        "vercel_ai_gateway_anthropic_claude_sonnet_4_5_per_token_above_200k_input_1m_tokens": 6.0,
        "vercel_ai_gateway_x_painter_per_unit_output_image": 0.04,
    },
    "deepinfra": {
        "deepinfra_deepseek_ai_deepseek_v4_flash_per_token_input_1m_tokens": 0.09,
        "deepinfra_deepseek_ai_deepseek_v4_flash_per_token_output_1m_tokens": 0.18,
        "deepinfra_deepseek_ai_deepseek_v4_flash_cached_input_cache_read_1m_tokens": 0.009,
        "deepinfra_meta_llama_chat_per_token_input_1m_tokens": 0.1,
        "deepinfra_meta_llama_chat_per_token_output_1m_tokens": 0.2,
        "deepinfra_meta_llama_chat_flex_input_1m_tokens": 0.05,
        "deepinfra_meta_llama_chat_flex_output_1m_tokens": 0.1,
        "deepinfra_nvidia_hears_per_unit_input_audio_min": 0.003,
        "deepinfra_hexgrad_speaks_per_unit_input_1k_chars": 0.00062,
        "deepinfra_baai_bge_per_token_input_1m_tokens": 0.01,
    },
    "together": {
        "together_ai_meta_llama_llama_3_3_70b_per_token_input_1m_tokens": 0.88,
        "together_ai_meta_llama_llama_3_3_70b_per_token_output_1m_tokens": 0.88,
    },
    "fal": {
        "fal_ai_fal_ai_flux_dev_per_unit_output_megapixel": 0.025,
        "fal_ai_fal_ai_veo_per_unit_output_video_second": 0.4,
    },
    "aws_ec2": {
        "aws_p5_48xlarge_on_demand_instance_hour_us_east_1": 55.04,
        "aws_p5_48xlarge_reserved_1y_instance_hour_us_east_1": 36.1,
    },
    "aws_bedrock": {
        "aws_bedrock_nova_2_pro_per_token_input_1m_tokens_us_east_1": 0.8,
        "aws_bedrock_nova_2_pro_batch_output_1m_tokens_us_east_1": 3.2,
        "aws_bedrock_claude_haiku_4_5_per_token_input_1m_tokens_us_east_1": 1.1,
        "aws_bedrock_claude_haiku_4_5_per_token_input_1m_tokens": 1.0,
    },
    "aws_rekognition": {
        "aws_rekognition_group2_imagesprocessed_per_unit_image_us_east_1": 0.001,
        "aws_rekognition_group2_imagesprocessed_per_unit_image_us_east_1_from_1000000": 0.0008,
    },
    "azure": {
        "azure_standard_nd96isr_h100_v5_on_demand_instance_hour_eastus": 98.32,
        "azure_standard_nd96isr_h100_v5_spot_instance_hour_eastus": 40.1,
        "azure_standard_nd96isr_h100_v5_reserved_1y_instance_hour_eastus": 60.0,
    },
    "gcp": {
        "gcp_gpu_l4_on_demand_instance_hour_us_central1": 0.56,
        "google_cloud_label_detection_per_unit_image": 0.0015,
        "google_cloud_label_detection_per_unit_image_from_5000000": 0.001,
    },
    "oci": {"oci_gpu_h100_on_demand_instance_hour": 10.0},
    "runpod": {
        "runpod_1x_h100_sxm_secure_on_demand_instance_hour": 2.99,
        "runpod_1x_h100_sxm_any_spot_instance_hour": 1.75,
    },
    "vast": {
        "vast_ai_8x_h100_sxm_on_demand_instance_hour": 17.0,
        "vast_ai_8x_h100_sxm_spot_instance_hour": 9.3,
        "vast_ai_2x_h100_sxm_on_demand_instance_hour": 3.5,
    },
    "lambda_cloud": {"lambda_gpu_8x_h100_sxm5_on_demand_instance_hour": 23.92},
    "litellm": {
        "aws_bedrock_anthropic_claude_sonnet_4_5_per_token_input_1m_tokens_us": 3.3,
        "aws_bedrock_anthropic_claude_sonnet_4_5_per_token_output_1m_tokens_us": 16.5,
        "aws_bedrock_anthropic_claude_sonnet_4_5_cached_input_above_200k_cache_read_1m_tokens_us": 0.66,
        "aws_bedrock_anthropic_claude_sonnet_4_5_batch_input_1m_tokens_us": 1.65,
        "deepgram_nova_3_per_unit_input_audio_min": 0.0043002,
        "alibaba_dashscope_qwen3_coder_plus_per_token_input_1m_tokens": 1.0,
        "alibaba_dashscope_qwen3_coder_plus_per_token_above_32k_input_1m_tokens": 1.8,
    },
    "models_dev": {
        "venice_kimi_k3_per_token_input_1m_tokens": 0.6,
        "venice_kimi_k3_per_token_output_1m_tokens": 2.5,
        "venice_kimi_k3_per_token_above_200k_input_1m_tokens": 1.2,
        "venice_claude_fresh_per_token_input_1m_tokens": 3.0,
        "venice_claude_fresh_per_token_output_1m_tokens": 15.0,
        "venice_claude_fresh_per_token_above_272k_input_1m_tokens": 6.0,
    },
}


class Server:
    """A price service: pages by path, and faults that come before them as (status, body, headers)."""

    def __init__(self) -> None:
        self.pages: dict[str, list[Any]] = {}
        self.faults: list[tuple[int, str, dict[str, str]]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.etag = ""
        self._served: dict[str, int] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = server.answer(self.path, dict(self.headers))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.http.server_port}"

    def answer(self, target: str, headers: dict[str, str]) -> tuple[int, str, dict[str, str]]:
        self.asked.append((target, headers))
        if self.faults:
            return self.faults.pop(0)
        if self.etag and headers.get("If-None-Match") == self.etag:
            return 304, "", {}
        path = target.partition("?")[0]
        if path not in self.pages:
            return 404, "nothing here", {}
        served = self._served.get(path, 0)
        self._served[path] = served + 1
        page = self.pages[path][min(served, len(self.pages[path]) - 1)]
        text = page if isinstance(page, str) else json.dumps(page)
        return 200, text.replace("{base}", self.base), {"ETag": self.etag} if self.etag else {}


@pytest.fixture
def server() -> Iterator[Server]:
    service = Server()
    thread = Thread(target=service.http.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield service
    service.http.shutdown()
    service.http.server_close()
    thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def ask(server: Server, waits: list[float]) -> Iterator[Callable[..., Fetched]]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        transport = Transport(client, waits.append)

        def fetch(connector: Connector, **known: Any) -> Fetched:
            access = Access(
                today=TODAY,
                gpu=accelerator_of(load()),
                keys=dict.fromkeys(BY_NAME, "secret"),
                base_urls={connector.name: server.base},
                regions={"aws": ("us-east-1",), "azure": ("eastus",)},
                **known,
            )
            return connector.fetch(transport, access)

        yield fetch


def test_list_files_and_names_agree() -> None:
    shared = {"__init__", "protocol", "sheet", "transport", "sellers", "aws_price_list"}
    files = {path.stem for path in Path(knowledge.connectors.__file__).parent.glob("*.py")} - shared
    assert files == set(BY_NAME)
    assert len(BY_NAME) == len(CONNECTORS)
    assert set(WIRES) == set(EXPECTED) == set(BY_NAME) - OFFLINE
    assert [connector.tier for connector in CONNECTORS] == sorted(connector.tier for connector in CONNECTORS)


@pytest.mark.parametrize("name", WIRES)
def test_a_source_is_read_page_by_page_into_priced_rows(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES[name]
    fetched = ask(BY_NAME[name])
    assert {offer.sku_key: offer.unit_price_usd for offer in fetched.offers} == pytest.approx(EXPECTED[name])
    for offer in fetched.offers:
        assert offer.source_date == "2026-11-21"
        assert offer.source_url.startswith(server.base)
        assert offer.source_kind == name
        if offer.workload_type == "gpu":
            assert offer.model_key in load().accelerators
            assert offer.gpu_count
        else:
            parse_unit(offer.unit_name, offer.workload_type)


@pytest.mark.parametrize("name", WIRES)
def test_a_busy_and_a_failing_server_are_asked_again(
    name: str, server: Server, ask: Callable[..., Fetched], waits: list[float]
) -> None:
    server.pages = WIRES[name]
    server.faults = [(429, "slow down", {"Retry-After": "7"}), (500, "oops", {}), (503, "oops", {})]
    fetched = ask(BY_NAME[name])
    assert {offer.sku_key for offer in fetched.offers} == set(EXPECTED[name])
    assert waits == [7.0, 1.0, 2.0]


@pytest.mark.parametrize("name", WIRES)
def test_a_server_that_stays_down_is_an_error_with_its_name(
    name: str, server: Server, ask: Callable[..., Fetched], waits: list[float]
) -> None:
    server.faults = [(500, "oops", {})] * 10
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1.* did not answer: status 500"):
        ask(BY_NAME[name])
    assert len(waits) == 3


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_that_breaks_off_is_no_answer(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    whole = {
        path: [page if isinstance(page, str) else json.dumps(page) for page in WIRES[name][path]]
        for path in WIRES[name]
    }
    server.pages = {path: [page[:-40] for page in pages] for path, pages in whole.items()}
    with pytest.raises(Unavailable, match=r"no whole JSON|breaks off"):
        ask(BY_NAME[name])


@pytest.mark.parametrize("name", WIRES)
def test_an_answer_of_another_shape_is_an_error_and_not_an_empty_list(
    name: str, server: Server, ask: Callable[..., Fetched]
) -> None:
    changed = csv_list("sku,price", "1,2") if name == "aws_ec2" else '"moved to a new address"'
    server.pages = {path: [changed] for path in WIRES[name]}
    with pytest.raises((SextantError, AttributeError)):
        ask(BY_NAME[name])


def test_a_refused_key_is_not_tried_again(server: Server, ask: Callable[..., Fetched], waits: list[float]) -> None:
    server.faults = [(401, "no", {})] * 3
    with pytest.raises(Unavailable) as refused:
        ask(BY_NAME["together"])
    assert refused.value.cure == "check the key in the settings"
    assert waits == []


def test_keys_travel_where_each_service_wants_them(server: Server, ask: Callable[..., Fetched]) -> None:
    for name, header in (("together", "Bearer secret"), ("fal", "Key secret"), ("lambda_cloud", "Bearer secret")):
        server.pages = WIRES[name]
        server.asked.clear()
        ask(BY_NAME[name])
        assert {headers.get("Authorization") for _, headers in server.asked} == {header}
    server.pages = WIRES["gcp"]
    server.asked.clear()
    ask(BY_NAME["gcp"])
    assert all("key=secret" in target for target, _ in server.asked)


@pytest.mark.parametrize("name", ["litellm", "models_dev"])
def test_an_unchanged_feed_is_not_read_again(name: str, server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages, server.etag = WIRES[name], '"v1"'
    first = ask(BY_NAME[name])
    assert list(first.etags.values()) == ['"v1"']
    second = ask(BY_NAME[name], etags=first.etags)
    assert second.unchanged
    assert second.offers == ()


def test_what_no_price_is_skipped_with_its_reason(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["openrouter"]
    why = {(skipped.what, skipped.why) for skipped in ask(BY_NAME["openrouter"]).skipped}
    assert ("router/auto", "input price of -1") in why
    assert ("maker/zero", "input price of 0") in why
    assert ("maker/zero", "output price is no number: 'a lot'") in why
    assert ("maker/none", "no prices") in why


def test_the_price_of_a_card_alone_is_marked(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["gcp"]
    flags = {offer.sku_key: offer.flags for offer in ask(BY_NAME["gcp"]).offers}
    assert flags["gcp_gpu_l4_on_demand_instance_hour_us_central1"] == ("card_only",)
    assert flags["google_cloud_label_detection_per_unit_image_from_5000000"] == ("volume_tier",)


def test_measured_speed_comes_with_the_price(server: Server, ask: Callable[..., Fetched]) -> None:
    server.pages = WIRES["huggingface"]
    offer = ask(BY_NAME["huggingface"]).offers[0]
    assert (offer.output_tok_s, offer.ttft_ms) == (92.1, 410)


def test_the_installed_package_is_a_source_without_a_network(ask: Callable[..., Fetched]) -> None:
    fetched = ask(BY_NAME["genai_prices"])
    assert len(fetched.offers) > 5000
    known = {offer.sku_key: offer for offer in fetched.offers}
    assert known["anthropic_claude_opus_4_6_per_token_input_1m_tokens"].unit_price_usd == 5.0
    assert any(offer.billing_mode == "batch" for offer in fetched.offers)


def test_negotiated_prices_come_from_a_folder(tmp_path: Path, ask: Callable[..., Fetched]) -> None:
    (tmp_path / "openai.csv").write_text(
        "﻿model_key,unit_price_usd,unit_name,direction\ngpt-5,0.9,1m_tokens,input\ngpt-5,cheap,1m_tokens,output\n"
    )
    (tmp_path / "aws.csv").write_text(
        "model_key,unit_price_usd,unit_name,workload_type,gpu_count,sku_name,region\n"
        "H100,30,instance_hour,gpu,8,p5.48xlarge,us-east-1\n"
    )
    fetched = ask(BY_NAME["folder"], folder=tmp_path)
    assert {offer.sku_key: (offer.unit_price_usd, offer.flags) for offer in fetched.offers} == {
        "openai_gpt_5_per_token_input_1m_tokens": (0.9, ("negotiated",)),
        "aws_p5_48xlarge_on_demand_instance_hour_us_east_1": (30.0, ("negotiated",)),
    }
    assert [(skipped.what, skipped.why) for skipped in fetched.skipped] == [
        ("openai.csv:3", "price 'cheap' of 'gpt-5'")
    ]
    assert BY_NAME["folder"].tier == max(Tier)


def test_a_price_file_without_a_needed_column_is_refused(tmp_path: Path, ask: Callable[..., Fetched]) -> None:
    (tmp_path / "openai.csv").write_text("model,price\ngpt-5,1\n")
    with pytest.raises(BadInput, match="no column model_key, unit_name, unit_price_usd"):
        ask(BY_NAME["folder"], folder=tmp_path)
