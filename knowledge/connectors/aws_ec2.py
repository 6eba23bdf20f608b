"""AWS machines with accelerators, from the bulk price list of EC2: on demand, and reserved without upfront payment.

Spot prices need credentials and are not read.
"""

from collections.abc import Mapping

from knowledge.connectors.aws_price_list import BASE_URL, regions, rows
from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, number, own_list

_PLAIN = {
    "Tenancy": {"Shared"},
    "Operating System": {"Linux"},
    "Pre Installed S/W": {"", "NA"},
    "Currency": {"USD"},
    "Unit": {"Hrs"},
}
_ON_DEMAND = {"CapacityStatus": {"Used"}, "MarketOption": {"OnDemand"}}
_RESERVED = {"PurchaseOption": {"No Upfront"}, "OfferingClass": {"standard"}}
_TERMS = {"1yr": "reserved_1y", "3yr": "reserved_3y"}

_COLUMNS = frozenset(["Instance Type", "Tenancy", "Operating System"])


def _read(connector: Connector, http: Http, access: Access) -> Fetched:
    sheet = own_list(connector, access, "aws", connector.url(access, "/AmazonEC2"))
    for region in regions(connector, access):
        for row in rows(connector, http, access, "AmazonEC2", region=region, needed=_COLUMNS):
            if _is(row, _PLAIN) and (mode := _mode(row)):
                _add(sheet, row, region, mode, access)
    return sheet.fetched()


def _add(sheet: Sheet, row: Mapping[str, str], region: str, mode: str, access: Access) -> None:
    instance_type = row.get("Instance Type", "")
    gpu_type, count = access.gpu(instance_type)
    if gpu_type is None or not count:
        if number(row.get("GPU")):
            sheet.skip(instance_type, "a machine whose accelerator the catalog does not know")
        return
    sheet.machine(
        instance_type,
        row["PricePerUnit"],
        billing_mode=mode,
        gpu_type=gpu_type,
        gpu_count=count,
        region=region,
        vcpus=number(row.get("vCPU")),
        memory_gb=number(row.get("Memory", "").removesuffix(" GiB").replace(",", "")),
    )


def _mode(row: Mapping[str, str]) -> str | None:
    if row["TermType"] == "OnDemand" and _is(row, _ON_DEMAND):
        return "on_demand"
    if row["TermType"] == "Reserved" and _is(row, _RESERVED):
        return _TERMS.get(row.get("LeaseContractLength", ""))
    return None


def _is(row: Mapping[str, str], wanted: Mapping[str, set[str]]) -> bool:
    """A column that the file does not have says nothing against a row."""
    return all(row.get(column, next(iter(values))) in values for column, values in wanted.items())


CONNECTOR = Connector("aws_ec2", Tier.LIVE, "rented GPUs", BASE_URL, None, _read)
