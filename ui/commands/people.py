"""`sextant people`: who may use a server that other machines can reach."""

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="People with passwords, for `sextant serve --people FILE`.", no_args_is_help=True,
                  rich_markup_mode=None)  # fmt: skip
Name = Annotated[str, typer.Argument(help="The name to sign in with.")]
File = Annotated[Path, typer.Option(help="The file of people.")]


@app.command()
def add(name: Name, file: File) -> None:
    """Let somebody in or change their password; it is asked for, or read from standard input when piped."""
    import getpass

    from ui.access import PasswordFile

    asked = sys.stdin.isatty()
    password = getpass.getpass("password: ") if asked else sys.stdin.readline().rstrip("\r\n")
    PasswordFile(file).add(name, password)
    sys.stdout.write(f"{name} may sign in\n")


@app.command()
def remove(name: Name, file: File) -> None:
    """Shut somebody out; what they deployed stays."""
    from ui.access import PasswordFile

    PasswordFile(file).remove(name)
    sys.stdout.write(f"{name} may not sign in any more\n")
