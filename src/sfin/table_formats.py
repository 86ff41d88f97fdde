"""A table of text cells as Markdown, LaTeX and HTML."""

import html
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pandas as pd

from sfin.files import write_whole

# A cell without a value.
NONE = "–"


@dataclass(frozen=True)
class Cell:
    """Text of one cell, and whether it stands out as the best of its column."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Grid:
    """A table whose columns stand in groups, after a column of row names.

    Attributes
    ----------
    corner
        Heading of the row names.
    groups
        Heading of each group, and of each column in it.
    rows
        Name of each row, and its cells, in the order of the columns.
    """

    corner: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def write_grid(
    table: pd.DataFrame, grid: Grid, base_path: str | Path, caption: str
) -> None:
    """Write a table as ``.csv``, and as readers see it as ``.md``, ``.tex``, ``.html``.

    Parameters
    ----------
    table
        With every digit, for the CSV.
    grid
        The same for readers.
    base_path
        Path without suffix.
    caption
        What the table shows and where its data come from.
    """
    label = f"tab:{Path(base_path).name}"
    write_whole(f"{base_path}.csv", table.to_csv(index=False, lineterminator="\n"))
    write_whole(f"{base_path}.md", markdown(grid, caption))
    write_whole(f"{base_path}.tex", latex(grid, caption, label))
    write_whole(f"{base_path}.html", web_page(grid, caption))


def markdown(grid: Grid, caption: str) -> str:
    """Write the caption and a pipe table; the best cells are bold."""
    headings = [
        f"{group}: {column}" for group, columns in grid.groups for column in columns
    ]
    lines = [
        caption,
        "",
        _pipes([grid.corner, *headings]),
        _pipes([":--", *("--:" for _ in headings)]),
    ]
    for name, cells in grid.rows:
        texts = [f"**{cell.text}**" if cell.best else cell.text for cell in cells]
        lines.append(_pipes([name, *texts]))
    return "\n".join(lines) + "\n"


def latex(grid: Grid, caption: str, label: str) -> str:
    """Write a floating table, for booktabs and amssymb; the best cells are bold."""
    widths = [len(columns) for _, columns in grid.groups]
    starts = [2 + sum(widths[:place]) for place in range(len(widths) + 1)]
    heads = [
        rf"\multicolumn{{{width}}}{{c}}{{{_escape(group)}}}"
        for width, (group, _) in zip(widths, grid.groups, strict=True)
    ]
    rules = [
        rf"\cmidrule(lr){{{first}-{last - 1}}}" for first, last in pairwise(starts)
    ]
    columns = [_escape(column) for _, names in grid.groups for column in names]
    lines = [
        "% Needs the packages booktabs and amssymb.",
        r"\begin{table*}",
        r"\centering",
        rf"\caption{{{_escape(caption)}}}",
        rf"\label{{{label}}}",
        rf"\begin{{tabular}}{{l{'r' * sum(widths)}}}",
        r"\toprule",
        _ampersands(["", *heads]),
        "".join(rules),
        _ampersands([_escape(grid.corner), *columns]),
        r"\midrule",
    ]
    for name, cells in grid.rows:
        texts = [_escape(cell.text) for cell in cells]
        texts = [
            rf"\textbf{{{text}}}" if cell.best else text
            for text, cell in zip(texts, cells, strict=True)
        ]
        lines.append(_ampersands([_escape(name), *texts]))
    lines += [r"\bottomrule", r"\end{tabular}", r"\end{table*}"]
    return "\n".join(lines) + "\n"


def web_page(grid: Grid, caption: str) -> str:
    """Write a whole page with the caption and the table; the best cells are bold."""
    heads = "".join(
        f'<th colspan="{len(columns)}">{html.escape(group)}</th>'
        for group, columns in grid.groups
    )
    names = [column for _, columns in grid.groups for column in columns]
    columns = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    rows = []
    for name, cells in grid.rows:
        texts = [html.escape(cell.text) for cell in cells]
        texts = [
            f"<td><b>{text}</b></td>" if cell.best else f"<td>{text}</td>"
            for text, cell in zip(texts, cells, strict=True)
        ]
        rows.append(f"<tr><th>{html.escape(name)}</th>{''.join(texts)}</tr>")
    style = (
        "body{font-family:sans-serif;margin:2em;max-width:70em}"
        "table{border-collapse:collapse;margin-top:1em}"
        "th,td{padding:.3em .8em;text-align:right}"
        "tr th:first-child{text-align:left}thead{border-bottom:1px solid}"
    )
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>Table</title><style>{style}</style></head><body>",
        f"<p>{html.escape(caption)}</p>",
        f"<table><thead><tr><th></th>{heads}</tr>",
        f"<tr><th>{html.escape(grid.corner)}</th>{columns}</tr></thead><tbody>",
        *rows,
        "</tbody></table></body></html>",
    ]
    return "\n".join(lines) + "\n"


def _pipes(texts: list[str]) -> str:
    return "| " + " | ".join(texts) + " |"


def _ampersands(texts: list[str]) -> str:
    return " & ".join(texts) + r" \\"


def _escape(text: str) -> str:
    """Write what LaTeX would take for a command, and signs its fonts may lack."""
    signs = {"±": r"$\pm$", "∞": r"$\infty$", "–": "--", "×": r"$\times$"}
    signs |= {"‖": r"$\Vert$", "λ": r"$\lambda$", "ε": r"$\varepsilon$"}
    signs |= {"²": r"$^2$", "⁹": r"$^9$", "σ": r"$\sigma$"}
    signs |= {"✓": r"$\checkmark$", "✗": r"$\times$"}
    signs |= {sign: "\\" + sign for sign in "&%$#_{}"}
    return "".join(signs.get(sign, sign) for sign in text)
