"""`sextant keys`: API keys for programs."""

import re
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from knowledge.records import Records

app = typer.Typer(help="API keys for programs: scoped, revocable, shown once.", no_args_is_help=True,
                  rich_markup_mode=None)  # fmt: skip
HOURS = {"h": 1, "d": 24, "w": 24 * 7}
LENGTH = re.compile(r"(\d{1,6})([hdw])")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    *,
    scope: Annotated[str, typer.Option(help="plan, catalog, invoices, sessions, deploy, admin; with commas.")],
    owner: Annotated[
        str, typer.Option(help="Whose conversations and deployments the key works on; it ends with that person.")
    ] = "local",
    expires: Annotated[str, typer.Option(help="When it ends: 12h, 90d, 4w; never if left out.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a key and print it, this once; only its hash is kept."""
    from ui.person import person

    scopes = [part.strip() for part in scope.split(",") if part.strip()]
    token, key = _records().keys.create(name, owner=owner, scopes=scopes, who=person(), lasts=_length(expires))
    if json:
        from knowledge.snapshot import load
        from ui.output import print_json

        print_json({"token": token, "id": key.key_id, "owner": key.owner, "expires_at": key.expires_at},
                   snapshot=load().version)  # fmt: skip
        return
    sys.stdout.write(f"{token}\n")
    sys.stderr.write(f"key {key.key_id} for {key.owner}; it is not shown again. Take it back: sextant keys revoke "
                     f"{key.key_id}\n")  # fmt: skip


@app.command(name="list")
def listed() -> None:
    """Show every key: its beginning, owner, scopes, state and last use; never the key itself."""
    from knowledge.records import stamp, utc_now
    from knowledge.records.key import SCOPES

    for key in _records().keys.all():
        scopes = ",".join(each for each in SCOPES if each in key.scopes)
        end = f"  until {key.expires_at[:10]}" if key.expires_at else ""
        used = f"used {key.last_used_at[:13]}h" if key.last_used_at else "never used"
        sys.stdout.write(
            f"{key.prefix}…  {key.name}  {key.owner}  {scopes}  {key.state(stamp(utc_now()))}{end}  {used}\n"
        )


@app.command()
def revoke(named: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, or its name.")]) -> None:
    """Take a key back, at once and for good."""
    from ui.person import person

    key = _records().keys.revoke(named, who=person())
    sys.stdout.write(f"key {key.key_id} ({key.name}) is revoked\n")


def _records() -> "Records":
    from ui.records import own_records

    return own_records()


def _length(text: str) -> timedelta | None:
    from knowledge.errors import BadInput

    if not text:
        return None
    match = LENGTH.fullmatch(text.strip())
    if match is None or match[1].strip("0") == "":
        raise BadInput(f"--expires cannot be {text[:40]!r}", "write 12h, 90d or 4w", field="expires")
    return timedelta(hours=int(match[1]) * HOURS[match[2]])
