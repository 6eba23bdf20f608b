"""Sheets that people keep, in their languages and programs: the columns are found, totals are not counted twice."""

import io
import json
import zipfile
from typing import Any
from xml.sax.saxutils import escape

import pytest

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_json import LineEncoder
from tools.invoice.money import parse_rate
from tools.market import Market

SNAPSHOT = load()
MARKET = Market.bundled(SNAPSHOT)
EURO = parse_rate("EUR=1.08@2026-11-01")
USAGE = (
    "date,provider,model,direction,quantity,unit,amount\n"
    "2026-10-01,OpenAI,gpt-4o,input,1000000,tokens,2.50\n"
    "2026-10-02,OpenAI,gpt-4o,output,100000,tokens,1.00\n"
)


def read(content: str | bytes, **options: Any) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    raw = content.encode() if isinstance(content, str) else content
    bill, encoder = open_bill(io.BytesIO(raw), "bill", MARKET, SNAPSHOT, **options), LineEncoder()
    lines = [json.loads(encoder.encode(line)) for line in bill.lines()]
    return lines, bill.report().to_json()


@pytest.mark.parametrize(
    ("sheet", "currency", "total", "codes"),
    [
        pytest.param(
            "Anbieter;Modell;Menge;Einheit;Betrag (EUR)\nOpenAI;gpt-4o;1.200,5;Mio. Tokens;3.001,25\n"
            "RunPod;H100;120;GPU-Stunden;358,80\nZwischensumme;;;;3.360,05\nUmsatzsteuer 19 %;;;;638,41\n"
            "Gesamtbetrag;;;;3.998,46\n",
            "EUR", 3998.46, ["currency", "currency", "total", "tax", "total"], id="german",
        ),
        pytest.param(
            "Fournisseur;Modèle;Quantité;Unité;Montant HT;TVA;Montant TTC\n"
            "Anthropic;claude-haiku-4-5;10;millions de tokens;10,00;2,00;12,00\nTotal;;;;10,00;2,00;12,00\n",
            "USD", 12.00, ["at_list", "total"], id="french",
        ),
        pytest.param(
            "Fecha;Proveedor;Modelo;Tokens de entrada;Tokens de salida;Importe\n"
            "15/10/2026;OpenAI;gpt-4o;1.000.000;100.000;3,50\nTotal;;;;;3,50\n",
            "USD", 3.50, ["at_list", "total"], id="spanish",
        ),
        pytest.param(
            "Dostawca;Model;Ilość;Jednostka;Kwota;Waluta\nOpenAI;gpt-4o;1,5;1M tokens;15,30 zł;PLN\nRazem;;;;15,30;\n",
            "PLN", 15.30, ["currency", "total"], id="polish",
        ),
        pytest.param(
            "プロバイダー,モデル,数量,単位,金額,通貨\nOpenAI,gpt-4o,1000000,tokens,375,JPY\n合計,,,,375,JPY\n",
            "JPY", 375, ["currency", "total"], id="japanese",
        ),
        pytest.param(
            "Cloud,Instance,Hours,Hourly rate,Cost ($)\nAWS,p5.48xlarge,100,55.04,5504.00\n,,,,5504.00\n",
            "USD", 5504.00, ["at_list", "total"], id="machines",
        ),
    ],
)  # fmt: skip
def test_a_sheet_is_read_in_its_language(sheet: str, currency: str, total: float, codes: list[str]) -> None:
    lines, report = read(sheet)
    assert [line["code"] for line in lines] == codes
    assert (report["totals"]["currency"], report["totals"]["total"]) == (currency, total)
    assert not [anomaly for anomaly in report["anomalies"] if anomaly["kind"] == "stated_total"]


def test_totals_count_nothing_wherever_they_stand() -> None:
    sheet = (
        "Date,Item,Provider,Quantity,Unit,Amount\n2026-10-01,gpt-4o input,OpenAI,1,1M tokens,2.50\n"
        "2026-10-02,gpt-4o output,OpenAI,1,1M tokens,10.00\nOpenAI total,,,,,12.50\n"
        "2026-10-02,claude-haiku-4-5 output,Anthropic,1,1M tokens,5.00\n,,Anthropic total,,,5.00\n,,,,,17.50\n"
        "Grand total,,,,,17.50\n"
    )
    lines, report = read(sheet)
    assert [line["code"] for line in lines] == ["at_list", "at_list", "total", "at_list", "total", "total", "total"]
    assert report["totals"]["total"] == 17.50
    assert all(stated["agrees"] for stated in report["totals"]["stated_totals"])


def test_a_row_without_words_counts_when_it_is_not_the_sum_of_the_rows_above() -> None:
    _, report = read("Item,Provider,Quantity,Unit,Amount\ngpt-4o input,OpenAI,1,1M tokens,2.50\n,,,,2.40\n")
    assert report["totals"]["total"] == 4.90


def test_a_product_called_total_counts_though_its_amount_was_billed_before() -> None:
    rows = "gpt-4o input,OpenAI,2,1M tokens,5.00\nOutput total,OpenAI,1,1M tokens,5.00\n"
    assert read("Item,Provider,Quantity,Unit,Amount\n" + rows)[1]["totals"]["total"] == 10.00


def test_tax_and_discount_columns_are_kept_apart_where_the_total_of_the_row_proves_them() -> None:
    lines, report = read(
        "Item,Provider,Quantity,Unit,Amount,Discount,Tax,Total\n"
        "gpt-4o input,OpenAI,10,1M tokens,25.00,2.50,4.28,26.78\n"  # before discount and tax
        "gpt-4o output,OpenAI,1,1M tokens,9.00,1.00,1.71,10.71\n"  # the discount is in the amount already
    )
    totals = report["totals"]
    assert [[part["code"] for part in line["parts"]] for line in lines] == [
        ["at_list", "tax", "credit"],
        ["below_list", "tax"],
    ]
    assert (totals["total"], totals["taxes"], totals["credits"]) == (37.49, 5.99, -2.50)


def test_lines_without_a_seller_are_taken_as_the_makers_and_it_is_said() -> None:
    lines, report = read(
        "Model,Input tokens (M),Output tokens (M),Cost (USD)\ngpt-4o,120,30,600\nclaude-sonnet-4-5,50,10,300\n"
    )
    assert [(line["provider"], line["status"]) for line in lines] == [("openai", "matched"), ("anthropic", "matched")]
    assert any("taken as sold by anthropic, openai" in note for note in report["notes"])


def test_headings_and_notes_have_no_amount() -> None:
    lines, _ = read("Provider,Description,Amount\nOPENAI,,\n,gpt-4o input,2.50\nPlease pay soon,,\n")
    assert [line["code"] for line in lines] == ["unreadable", "unit", "unreadable"]
    assert "a heading or a note" in lines[0]["reason"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1 Oct 2026", "2026-10-01"),
        ("Oct 2, 2026", "2026-10-02"),
        ("03-Oct-2026", "2026-10-03"),
        ("2026/10/04", "2026-10-04"),
        ("20261005", "2026-10-05"),
        ("10/6/26", "2026-10-06"),
        ("07.10.2026", "2026-10-07"),
        ("8. Oktober 2026", "2026-10-08"),
        ("9 de octubre de 2026", "2026-10-09"),
        ("1791600000000", "2026-10-10"),
        ("46306", "2026-10-11"),  # as Excel counts
        ("2026-10-12T00:00:00+02:00", "2026-10-12"),
        ("31/02/2026", None),
        ("soon", None),
    ],
)
def test_a_day_is_read_as_people_write_it(written: str, day: str | None) -> None:
    (line,), _ = read(
        f'date,provider,model,direction,quantity,unit,amount\n"{written}",OpenAI,gpt-4o,input,1,1M tokens,2.50\n'
    )
    assert line["date"] == day


def test_the_order_of_day_and_month_is_proven_by_the_file() -> None:
    head, row = USAGE.splitlines()[0], "OpenAI,gpt-4o,input,1,1M tokens,2.50"
    lines, _ = read(f"{head}\n01/10/2026,{row}\n25/10/2026,{row}\n")
    assert [line["date"] for line in lines] == ["2026-10-01", "2026-10-25"]
    lines, _ = read(f"{head}\n10/01/2026,{row}\n10/25/2026,{row}\n")
    assert [line["date"] for line in lines] == ["2026-10-01", "2026-10-25"]


def test_a_month_is_a_month_and_one_day_on_all_lines_is_no_day_of_usage() -> None:
    sheet = "date,provider,model,direction,quantity,unit,amount\n{},OpenAI,gpt-4o,input,1,1M tokens,2.50\n"
    _, report = read(sheet.format("October 2026"))
    assert (report["summary"]["last_day"], report["summary"]["monthly_factor"]) == ("2026-10-31", 1.0)
    _, report = read(sheet.format("2026-11-03"))
    assert report["summary"]["monthly_factor"] == 1.0
    assert any("one date" in note for note in report["notes"])


def workbook(*sheets: list[list[object]], styles: str = "", shared: bool = True) -> bytes:
    """A workbook as Excel writes it (text shared) or as other programs do (text in the cell)."""
    texts: list[str] = []

    def cell(value: object, reference: str) -> str:
        if isinstance(value, tuple):
            return f'<c r="{reference}" s="{value[1]}"><v>{value[0]}</v></c>'
        if isinstance(value, str) and value.startswith("="):
            return f'<c r="{reference}"><f>{escape(value[1:])}</f></c>'
        if isinstance(value, str) and shared:
            texts.append(value)
            return f'<c r="{reference}" t="s"><v>{len(texts) - 1}</v></c>'
        if isinstance(value, str):
            return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f'<c r="{reference}"><v>{value}</v></c>'

    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", f"<workbook {space}/>")
        for number, rows in enumerate(sheets, start=1):
            body = "".join(
                f'<row r="{place}">'
                + "".join(cell(value, f"{chr(65 + at)}{place}") for at, value in enumerate(row) if value != "")
                + "</row>"
                for place, row in enumerate(rows, start=1)
            )
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {space}><sheetData>{body}</sheetData></worksheet>"
            )
        if texts:
            items = "".join(
                f"<si><r><t>{escape(text[:2])}</t></r><r><t>{escape(text[2:])}</t></r></si>" for text in texts
            )
            archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{items}</sst>")
        if styles:
            archive.writestr("xl/styles.xml", f"<styleSheet {space}>{styles}</styleSheet>")
        archive.writestr("xl/vbaProject.bin", b"macros are never looked at")
    return content.getvalue()


HEAD: list[object] = ["Date", "Provider", "Model", "Direction", "Quantity", "Unit", "Amount"]
DATES = (
    '<numFmts><numFmt numFmtId="164" formatCode="dd/mm/yyyy"/></numFmts><cellXfs><xf/><xf numFmtId="164"/></cellXfs>'
)


def month(day: object, amount: object) -> list[list[object]]:
    return [["Our AI spend"], [], HEAD, [day, "OpenAI", "gpt-4o", "input", 1, "1M tokens", amount]]


@pytest.mark.parametrize("shared", [True, False])
def test_an_excel_workbook_is_read_with_its_dates_and_without_binary_noise(shared: bool) -> None:
    content = workbook(month((46296, 1), 2.4999999999999996), styles=DATES, shared=shared)
    (line,), report = read(content)
    assert (line["line"], line["date"], line["amount"], line["code"]) == (4, "2026-10-01", 2.5, "at_list")
    assert report["totals"]["total"] == 2.50


def test_sheets_of_one_kind_are_one_bill_and_others_are_named() -> None:
    other: list[list[object]] = [["Vendor", "Item", "Cost"], ["OpenAI", "gpt-4o", 3]]
    _, report = read(workbook(month("2026-09-01", 2.5), month("2026-10-01", 2.5), other))
    assert report["totals"]["total"] == 5.00
    assert any("2 sheets with the same columns were read" in note for note in report["notes"])
    assert any("sheets with other columns were not read (1)" in note for note in report["notes"])


def test_a_formula_that_was_never_computed_is_not_guessed() -> None:
    (line,), report = read(workbook(month("2026-10-01", "=E4*2.5")))
    assert (line["status"], report["totals"]["total"]) == ("rejected", 0.0)
    assert "=E4*2.5" in line["reason"]


def archived(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return content.getvalue()


def test_the_one_file_of_an_archive_is_read_also_a_workbook() -> None:
    content = archived(bill__csv=USAGE.encode(), Manifest__json=b"{}")
    assert read(content)[1]["totals"]["total"] == 3.50
    assert read(archived(bill__xlsx=workbook(month("2026-10-01", 2.5))))[1]["totals"]["total"] == 2.50


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (archived(a__csv=USAGE.encode(), b__csv=USAGE.encode()), "2 files that could be bills: a.csv, b.csv"),
        (archived(readme__=b""), "the file is empty"),
        (archived(bill__csv=USAGE.encode())[:-30], "cannot be opened"),
        (archived(bill__csv=b"a,b\n" + b"0" * (80 << 20)), "no header"),
        (workbook([["nothing", "here"]]), "no sheet has a header"),
        (workbook(month("2026-10-01", 2.5)).replace(b"PK\x05\x06", b"PK\x00\x00"), "cannot be opened"),
    ],
    ids=["two", "empty", "cut", "no-bill", "other-sheet", "damaged"],
)  # fmt: skip
def test_archives_that_hold_no_one_bill_are_refused_in_one_line(content: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=r"^bill: ") as refused:
        read(content)
    assert says in refused.value.message
    assert "\n" not in refused.value.message


def test_an_archive_that_is_a_bomb_stops_after_the_lines_before() -> None:
    lines, report = read(archived(bill__csv=USAGE.encode() + b" " * (80 << 20)))
    assert report["totals"]["total"] == 3.50
    assert "expands more than" in lines[-1]["reason"]
