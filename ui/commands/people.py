"""`sextant people`: who may use a server that other machines can reach."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="People for `sextant serve --people FILE`, with passwords or vouched for elsewhere.",
                  no_args_is_help=True, rich_markup_mode=None)  # fmt: skip
Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
File = Annotated[Path, typer.Option(help="The file of people.")]


@app.command()
def add(
    name: Annotated[
        str,
        typer.Argument(help="The name to sign in with; with --no-password also '*@example.com' or '*' for everybody."),
    ],
    file: File,
    *,
    admin: Annotated[
        bool | None, typer.Option("--admin/--no-admin", help="Sees what everybody has; the role stays if left out.")
    ] = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Comes in by a trusted proxy or an OAuth provider.")
    ] = False,
) -> None:
    """Let somebody in or change their password; it is asked for, or read from standard input when piped."""
    import getpass

    from ui.access import PasswordFile

    password = None
    if not no_password:
        password = getpass.getpass("password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    PasswordFile(file).add(name, password, admin=admin)
    sys.stdout.write(f"{name} may sign in\n")


@app.command(name="list")
def listed(file: File) -> None:
    """Show everybody, how they sign in, and who is an admin."""
    from ui.access import PasswordFile

    for name, entry in sorted(PasswordFile(file).entries().items()):
        how = "password" if entry.digest else "proxy or provider"
        sys.stdout.write(f"{name}  {how}{f'  {entry.role}' if entry.role else ''}\n")


@app.command()
def remove(name: Name, file: File) -> None:
    """Shut somebody out, with their keys and open browsers; what they deployed stays."""
    from ui.access import PasswordFile

    PasswordFile(file).remove(name)
    sys.stdout.write(f"{name} may not sign in any more\n")
