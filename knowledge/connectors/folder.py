"""CSV files that somebody drops into a folder, one per provider: negotiated prices, which override every list.

A file is named after its provider (`openai.csv`) unless a column `provider` says otherwise. Needed columns: model_key,
unit_price_usd, unit_name. Others: workload_type, billing_mode, direction, region, source_date, source_url, sku_key,
sku_name, gpu_count. `gpu` rows name an accelerator as model and are per `instance_hour`.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from knowledge.connectors.protocol import Access, Connector, Fetched, Http, Tier
from knowledge.connectors.sheet import Sheet, number
from knowledge.errors import BadInput
from knowledge.store.offer import GPU

_NEEDED = {"model_key", "unit_price_usd", "unit_name"}
_LARGEST_FILE_BYTES = 64 * 1024 * 1024


def _read(connector: Connector, _http: Http, access: Access) -> Fetched:
    sheet = Sheet("", connector.name, "", access.today.isoformat(), confidence="official", flags=("negotiated",))
    for path in sorted(access.folder.glob("*.csv")) if access.folder else ():
        _add_file(sheet, path, access)
    return sheet.fetched()


def _add_file(sheet: Sheet, path: Path, access: Access) -> None:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise BadInput(f"{path} is larger than {_LARGEST_FILE_BYTES} bytes")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8", "save it as CSV in UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := _NEEDED - set(reader.fieldnames or ()):
        raise BadInput(f"{path} has no column {', '.join(sorted(missing))}", "see docs/catalog.md for the columns")
    for row in reader:
        cells = {name: (cell or "").strip() for name, cell in row.items() if isinstance(name, str)}
        _add(sheet, f"{path.name}:{reader.line_num}", cells, path.stem, access)


def _add(sheet: Sheet, place: str, row: Mapping[str, str], stem: str, access: Access) -> None:
    usd = number(row["unit_price_usd"])
    if usd is None or usd <= 0 or not row["model_key"]:
        sheet.skip(place, f"price {row['unit_price_usd']!r} of {row['model_key']!r}")
        return
    sheet.provider = row.get("provider") or stem.lower()
    sheet.source_url = row.get("source_url") or place
    sheet.source_date = row.get("source_date") or access.today.isoformat()
    region = row.get("region") or "global"
    if row.get("workload_type") == GPU:
        count = number(row.get("gpu_count", ""))
        gpu_type = access.gpu(row["model_key"])[0]
        if gpu_type is None or not count:
            sheet.skip(place, f"accelerator {row['model_key']!r}, count {row.get('gpu_count')!r}")
            return
        sheet.machine(
            row.get("sku_name") or row["model_key"],
            usd,
            billing_mode=row.get("billing_mode") or "on_demand",
            gpu_type=gpu_type,
            gpu_count=count,
            region=region,
        )
        return
    tokens = row["unit_name"].endswith("tokens")
    sheet.price(
        row["model_key"],
        usd,
        row["unit_name"],
        workload_type=row.get("workload_type") or "llm",
        billing_mode=row.get("billing_mode") or ("per_token" if tokens else "per_unit"),
        direction=row.get("direction") or "na",
        region=region,
        name=row.get("sku_name", ""),
        key=row.get("sku_key", ""),
    )


CONNECTOR = Connector("folder", Tier.NEGOTIATED, "whatever was negotiated", "", None, _read)
