"""`sextant invoice`: one JSON object with every line, safe files, one-line errors."""

import csv
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knowledge.errors import BadInput
from knowledge.snapshot import load
from tools.invoice.bill import open_bill
from tools.invoice.line_csv import LineTable, guarded
from tools.invoice.page import html_page
from tools.invoice.savings import SelfHostQuery
from tools.invoice.self_hosting import planned_self_host
from tools.market import Market
from ui.cli import app

SAMPLES = Path(__file__).parent / "data" / "invoices"
HEADER = "provider,description,quantity,unit,amount,currency\n"
EVIL = (
    HEADER
    + '"=HYPERLINK(""http://x"")",+cmd,1,=1+1,5.00,USD\n'
    + "<script>alert(1)</script>,@SUM(A1),1,-x,5.00,USD\n"
    + "\x1b[31mred\x07,[bold]kimi-k2p5 input[/bold],1,1M tokens,0.60,USD\n"
)


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEXTANT_HOME", str(tmp_path / "state"))


def run(*arguments: str, content: bytes | None = None) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, ["invoice", *arguments], input=content)
    return result.exit_code, result.stdout, result.exception


def test_json_holds_every_line_totals_and_savings() -> None:
    code, out, _ = run(str(SAMPLES / "focus_1_2.csv"), "--json", "--no-self-hosting")
    answer = json.loads(out)
    assert code == 0
    assert {"schema_version", "snapshot", "file", "lines", "totals", "savings", "summary", "anomalies", "notes"} == set(
        answer
    )
    assert answer["snapshot"] == load().version
    assert len(answer["lines"]) == 126
    assert {line["status"] for line in answer["lines"]} <= {"matched", "unmatched", "rejected"}
    assert answer["totals"]["total"] == 6905.53
    assert all(answer["savings"][place]["monthly_saving_usd"] >= 0 for place in range(len(answer["savings"])))


def test_a_bill_comes_from_standard_input_too() -> None:
    content = gzip.compress((SAMPLES / "generic_provider_lines.csv").read_bytes())
    code, out, _ = run("-", "--json", "--no-self-hosting", content=content)
    assert code == 0
    assert json.loads(out)["totals"]["total"] == 5506.60


def test_the_terminal_shows_totals_spend_savings_and_what_to_look_at() -> None:
    code, out, _ = run(str(SAMPLES / "aws_cur2.csv"), "--no-self-hosting")
    assert code == 0
    assert "8,094.40 USD = usage 8,116.19 + taxes 3.21 + credits -25.00" in out
    assert "188 lines: 155 matched, 33 unmatched, 0 rejected" in out
    assert "g6e.12xlarge" in out
    assert "Savings at equal models" in out


def test_a_stated_rate_converts_and_is_shown(tmp_path: Path) -> None:
    bill = tmp_path / "eur.csv"
    bill.write_text(HEADER + "Fireworks,kimi-k2p5 input,100,1M tokens,55.00,EUR\n")
    code, out, _ = run(str(bill), "--rate", "EUR=1.0909091@2026-11-01", "--no-self-hosting")
    assert code == 0
    assert "60.00 USD" in out
    assert "EUR at 1.0909091 USD of 2026-11-01, as stated" in out


@pytest.mark.parametrize("name", ["out.html", "out.csv", "out.json"])
def test_a_report_is_written_whole(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    code, _, _ = run(str(SAMPLES / "gcp_billing_export.csv"), "--report", str(target), "--no-self-hosting")
    assert code == 0
    assert [path.name for path in tmp_path.glob("out*")] == [name]
    text = target.read_text(encoding="utf-8")
    if name.endswith(".html"):
        assert text.startswith("<!doctype html>")
        assert "<svg" in text
        assert "525.84 USD" in text
        assert "http://" not in text.replace("https://", "")
    elif name.endswith(".json"):
        assert json.loads(text)["totals"]["total"] == 525.84
    else:
        rows = list(csv.DictReader(io.StringIO(text)))
        assert len(rows) == 103  # 93 lines, ten of which hold a credit
        assert round(sum(float(row["amount"]) for row in rows), 2) == 525.84


def test_no_text_of_a_bill_becomes_a_formula_or_markup(tmp_path: Path) -> None:
    bill = tmp_path / "evil.csv"
    bill.write_text(EVIL, encoding="utf-8")
    sheet, page = tmp_path / "evil-out.csv", tmp_path / "evil-out.html"
    code, out, _ = run(str(bill), "--report", str(sheet), "--no-self-hosting")
    assert code == 0
    assert "\x1b" not in out
    assert "\x07" not in out
    for row in csv.reader(sheet.read_text(encoding="utf-8").splitlines()):
        for cell in row:
            assert not cell.startswith(("=", "+", "@", "\t")), cell
    run(str(bill), "--report", str(page), "--no-self-hosting")
    assert "<script>" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\tx", " =1", "%x"])
def test_formula_starts_are_guarded(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded("plain") == "plain"


def test_a_negative_amount_stays_a_number_in_the_sheet() -> None:
    snapshot, out = load(), io.StringIO()
    bill = open_bill(
        io.BytesIO((HEADER + "OpenAI,Refund,,,-5.00,USD\n").encode()), "b", Market.bundled(snapshot), snapshot
    )
    table = LineTable(out)
    for line in bill.lines():
        table.add(line)
    (row,) = csv.DictReader(io.StringIO(out.getvalue()))
    assert float(row["amount"]) == -5.0
    assert "credit" not in html_page(bill.report(), snapshot.version).split("<h2>Savings")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/nowhere/bill.csv"], "/nowhere/bill.csv: cannot be read"),
        ([str(SAMPLES)], "cannot be read"),
        ([str(SAMPLES / "README.md")], "README.md: no header of a known bill format"),
        ([str(SAMPLES / "azure_cost.csv"), "--rate", "EUR=1"], "not an exchange rate"),
        ([str(SAMPLES / "azure_cost.csv"), "--report", "x.pdf"], "a report ends in"),
        ([str(SAMPLES / "azure_cost.csv"), "--task", "juggling"], "unknown task"),
        ([str(SAMPLES / "azure_cost.csv"), "--report", "/nowhere/x.html", "--no-self-hosting"], "cannot be written"),
    ],
)
def test_bad_input_is_one_line_that_names_what_is_wrong(arguments: list[str], said: str) -> None:
    code, out, error = run(*arguments, "--json")
    assert code != 0
    assert isinstance(error, BadInput)
    assert said in error.message
    assert "\n" not in error.message
    assert out == "" or "lines" in out


def test_the_process_exits_with_2_and_says_the_reason_on_stderr(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    script = "from ui.cli import main; import sys; sys.argv = ['sextant', 'invoice', sys.argv[1]]; main()"
    done = subprocess.run([sys.executable, "-c", script, str(bad)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("bad.csv: no header of a known bill format")


def test_the_planner_prices_an_open_model_at_the_volume_of_a_bill() -> None:
    snapshot = load()
    host = planned_self_host(snapshot, Market.bundled(snapshot), "chatbot")
    offer = host(SelfHostQuery("meta-llama/Llama-3.1-8B-Instruct", 5e9, 1e9))
    assert offer is not None
    assert offer.monthly_usd > 0
    assert "at" in offer.title
    assert host(SelfHostQuery("nobody/no-such-model", 5e9, 1e9)) is None
    assert host(SelfHostQuery("meta-llama/Llama-3.1-8B-Instruct", 0, 1e9)) is None
