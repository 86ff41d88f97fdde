"""What commands print: results on the standard output, all else beside it."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from sfin.texts import printable

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

# Columns of a table that no terminal limits.
WIDTH = 150


def say(text: str) -> None:
    """Print a line of the result, above a progress bar if there is one."""
    # Not by rich: a path may hold what it takes for colours.
    typer.echo(printable(text))


def note(text: str) -> None:
    """Print what is not the result, on the standard error."""
    typer.echo(printable(text), err=True)


def complain(text: str) -> None:
    """Print an error, one sentence, on the standard error."""
    typer.secho("Error: ", fg="red", bold=True, err=True, nl=False)
    typer.echo(printable(text), err=True)


def progress_bar() -> "Progress":
    """Make a bar for terminals; elsewhere it shows nothing."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def make_table(*names: str, right: Sequence[str] = ()) -> "Table":
    """Make an empty table; the columns named in `right` hold numbers.

    Columns without names have no head.
    """
    from rich import box
    from rich.table import Table

    head = any(names)
    style = box.SIMPLE_HEAD if head else None
    table = Table(box=style, show_header=head, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(
            name, justify="right" if name in right else "left", overflow="fold"
        )
    return table


def show_table(table: "Table") -> None:
    """Print a table, as wide as the terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else WIDTH
    Console(width=width, markup=False, highlight=False, emoji=False).print(table)
