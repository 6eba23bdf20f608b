"""The command line: every command, and how errors become one line and an exit code.

Exit codes: 0 success, 2 usage or bad input, 3 infeasible (an answer), 1 internal.
"""

import sys

import typer

from knowledge.errors import SextantError
from ui.commands import (
    audit,
    backup,
    benchmarks,
    catalog,
    chat,
    compare,
    demo,
    deploy,
    deployments,
    evaluation,
    explain,
    extract,
    invoice,
    keys,
    manifests,
    mcp,
    models,
    monitoring,
    observe,
    outcomes,
    people,
    plan,
    predict,
    retention,
    rollback,
    serve,
    session,
    simulator,
    status,
    sweep,
    validate,
)
from ui.settings import expect_small_matrices

app = typer.Typer(
    name="sextant",
    help="Say what you need; get a priced, explained, deployed and verified LLM inference service.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def sextant(context: typer.Context) -> None:
    """Let every command that plans compute alike, to the last digit; a table of predictions may take all cores."""
    if context.invoked_subcommand != "predict":
        expect_small_matrices()


app.command("extract")(extract.extract)
app.command("plan")(plan.plan)
app.command("predict")(predict.predict)
app.command("compare")(compare.compare)
app.command("sweep")(sweep.sweep)
app.command("chat")(chat.chat)
app.add_typer(session.app, name="session")
app.command("explain")(explain.explain)
app.command("serve")(serve.serve)
app.add_typer(people.app, name="people")
app.add_typer(keys.app, name="keys")
app.command("mcp")(mcp.mcp)
app.command("demo")(demo.demo)
app.add_typer(evaluation.app, name="eval")
app.add_typer(catalog.app, name="catalog")
app.add_typer(outcomes.app, name="outcomes")
app.add_typer(models.app, name="models")
app.add_typer(benchmarks.app, name="benchmarks")
app.command("invoice")(invoice.invoice)
app.command("simulator")(simulator.simulator)
app.command("deploy")(deploy.deploy)
app.command("manifests")(manifests.manifests)
app.command("deployments")(deployments.deployments)
app.command("audit")(audit.audit)
app.command("rollback")(rollback.rollback)
app.command("status")(status.status)
app.command("monitoring")(monitoring.monitoring)
app.command("observe")(observe.observe)
app.command("validate")(validate.validate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("retention")(retention.retention)


_INTERRUPTED = 130  # what Typer makes of Ctrl-C


def main() -> None:
    """Entry point of the `sextant` script."""
    try:
        code = app(standalone_mode=False) or 0
        if code == _INTERRUPTED:
            sys.stderr.write("stopped\n")
        sys.exit(code)
    except typer.TyperException as error:  # usage: an unknown command or option, a value of the wrong form
        sys.stderr.write(error.format_message() + "\n")
        sys.exit(2)
    except SextantError as error:
        sys.stderr.write(error.message + "\n")
        if error.cure:
            sys.stderr.write(error.cure + "\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader left, as in `sextant plan … | head`
        sys.exit(0)
