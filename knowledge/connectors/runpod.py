"""RunPod's prices over GraphQL: no key; per card and hour, in the secure and the community cloud."""

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import listed, number, own_list, record
from knowledge.errors import Unavailable

_QUERY = """query GpuTypes($lowestPriceInput: GpuLowestPriceInput) { gpuTypes { id displayName memoryInGb securePrice
communityPrice oneMonthPrice lowestPrice(input: $lowestPriceInput) { minimumBidPrice uninterruptablePrice minVcpu
minMemory stockStatus } } }"""


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    url = connector.url(access, "/graphql")
    answer = http.post_json(url, {"query": _QUERY, "variables": {"lowestPriceInput": {"gpuCount": 1}}})
    if answer.get("errors") and not answer.get("data"):
        raise Unavailable(f"RunPod refused the query: {str(answer['errors'])[:120]}")
    sheet = own_list(connector, access, "runpod", url)
    for row in listed(answer, "data", "gpuTypes"):
        name = str(row.get("displayName") or row.get("id"))
        gpu_type, _ = access.gpu(f"{name} {row['memoryInGb']}GB" if row.get("memoryInGb") else name)
        gpu_type = gpu_type or access.gpu(name)[0] or access.gpu(str(row.get("id")))[0]
        if gpu_type is None:
            sheet.skip(name, "unknown accelerator")
            continue
        lowest = record(row.get("lowestPrice"))
        for cloud, mode, usd in (
            ("secure", "on_demand", row.get("securePrice")),
            ("community", "on_demand", row.get("communityPrice")),
            ("any", "spot", lowest.get("minimumBidPrice") if lowest.get("stockStatus") else None),
        ):
            if number(usd) == 0:
                continue  # not sold in that cloud
            sheet.machine(
                f"1x {name} {cloud}",
                usd,
                billing_mode=mode,
                gpu_type=gpu_type,
                gpu_count=1.0,
                region="global",
                vcpus=number(lowest.get("minVcpu")),
                memory_gb=number(lowest.get("minMemory")),
                notes=f"{cloud} cloud",
            )
    return sheet.fetched()


CONNECTOR = Connector("runpod", Tier.LIVE, "rented GPUs", "https://api.runpod.io", None, _read)
