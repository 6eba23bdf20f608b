"""An attached bill: every line accounted for, findings with their saving."""

from pathlib import Path

from agent.context import Context
from agent.events import Event, Said
from agent.state import Json, State
from knowledge.errors import BadInput
from templates.answers import answer
from tools.invoice.bill import open_bill

SHOWN = 5


def analyse_invoice(command: Json, state: State, context: Context) -> list[Event]:  # noqa: ARG001  # replies share this
    """Totals, findings and anomalies of each attached file."""
    files = state["action"]["values"].get("attachments") or []
    if not files:
        return [Said(answer("attach_bill"))]
    return [_analysed(Path(file), context) for file in files]


def _analysed(file: Path, context: Context) -> Event:
    try:
        with file.open("rb") as stream:
            bill = open_bill(stream, file.name, context.market, context.snapshot)
            lines = sum(1 for _ in bill.lines())
            report = bill.report().to_json()
    except OSError as error:
        raise BadInput(f"cannot read {file.name}: {error.strerror}", "attach the file again") from error
    return Said(answer("bill", name=file.name, lines=lines, report=report, shown=SHOWN))
