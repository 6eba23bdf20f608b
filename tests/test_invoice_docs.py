"""The page on bills names every format, code and way to save that the program knows."""

import re
from pathlib import Path

from tools.invoice.readers import READERS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "invoices.md").read_text(encoding="utf-8")
SOURCES = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tools" / "invoice").rglob("*.py")))


def test_every_format_stands_in_the_page() -> None:
    for reader in READERS:
        assert f"| {reader.title} | `{reader.name}` |" in PAGE


def test_every_kind_of_saving_and_anomaly_stands_in_the_page() -> None:
    kinds = set(re.findall(r'_way\(\s*"(\w+)"', SOURCES)) | set(re.findall(r'alternative\(\s*"(\w+)"', SOURCES))
    kinds |= set(re.findall(r'kind="(\w+)"', SOURCES)) & {"above_list", "self_hosting"}
    kinds |= set(re.findall(r'Anomaly\(\s*"(\w+)"', SOURCES)) | {"retired_model", "retiring_model"}
    assert len(kinds) > 12
    assert sorted(kind for kind in kinds if f"`{kind}`" not in PAGE) == []


def test_every_code_of_a_line_stands_in_the_page() -> None:
    folder = ROOT / "tools" / "invoice"
    sources = "\n".join((folder / name).read_text() for name in ("judging.py", "matching.py", "analysis.py"))
    returned = re.findall(r'(?:return \(?|code, reason = |code = )"([a-z_]+)"[,\n]', sources)
    written = re.findall(r'"(?:matched|unmatched|rejected)", "([a-z_]+)"', sources)
    given = re.findall(r'_unmatched\(\s*subject, [\w" ]+, "([a-z_]+)"', sources)
    codes = {*returned, *written, *given}
    assert {"at_list", "above_list", "currency", "scale", "unknown_model", "unreadable", "priced", "unit"} <= codes
    assert sorted(code for code in codes if f"`{code}`" not in PAGE) == []
