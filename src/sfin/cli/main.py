"""The command itself: its subcommands, and how a user's mistake ends it."""

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sfin import __version__
from sfin.cli.calibrate import calibrate
from sfin.cli.console import complain
from sfin.cli.detect import detect
from sfin.cli.enhance import enhance
from sfin.cli.inspect import inspect
from sfin.cli.models import models
from sfin.cli.synthesise import synthesise
from sfin.cli.view import view
from sfin.errors import InputError


class Commands(TyperGroup):
    """Commands that end with one sentence where the user made a mistake."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            complain(str(error))
            raise typer.Exit(1) from error
        except MemoryError as error:
            complain("The memory is too small for this: cut the image into parts.")
            raise typer.Exit(1) from error
        except BrokenPipeError:
            # Whoever reads the output has seen enough.
            raise
        except OSError as error:
            complain(
                f"{error.filename or 'A file'} cannot be read or written "
                f"({error.strerror or error}): check permissions and free space."
            )
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=Commands,
    name="sfin",
    no_args_is_help=True,
    # Paragraphs of the docstrings as wide as the terminal.
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="sfin COMMAND --help tells more. A command ends with 0 if all went well, 1 "
    "if an image or a file could not be used, 2 if it was called wrongly.",
)
for command in (enhance, detect, view, calibrate, inspect, synthesise, models):
    app.command()(command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sfin {__version__}")
        raise typer.Exit()


@app.callback()
def sfin(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Say which it is."
        ),
    ] = False,
) -> None:
    """Calibrate the noise of a STEM, imitate it, and enhance its images."""
