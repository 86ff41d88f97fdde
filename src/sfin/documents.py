"""A short document of headings, paragraphs and tables, as Markdown and HTML."""

import html
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table of texts.

    Attributes
    ----------
    columns
        Headings; the first column names the rows.
    rows
        As many cells each as there are headings.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """Part of a document: paragraphs, then a table, then code, each if any."""

    heading: str
    paragraphs: tuple[str, ...] = ()
    table: TextTable | None = None
    code: str = ""


def markdown_document(title: str, sections: Sequence[Section]) -> str:
    """Write the sections as Markdown; one without a heading continues the title."""
    blocks = [f"# {title}"]
    for section in sections:
        if section.heading:
            blocks.append(f"## {section.heading}")
        blocks += section.paragraphs
        if section.table:
            rule = (":--", *("--:" for _ in section.table.columns[1:]))
            lines = (section.table.columns, rule, *section.table.rows)
            blocks.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
        if section.code:
            blocks.append(f"```python\n{section.code}\n```")
    return "\n\n".join(blocks) + "\n"


def web_document(title: str, sections: Sequence[Section]) -> str:
    """Write the sections as a whole HTML page."""
    style = (
        "body{font-family:sans-serif;margin:2em;max-width:70em}"
        "table{border-collapse:collapse}td,th{padding:.2em .7em;text-align:right}"
        "tr :first-child{text-align:left}thead{border-bottom:1px solid}"
        "td{font-variant-numeric:tabular-nums}"
    )
    lines = [
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body>",
        f"<h1>{html.escape(title)}</h1>",
    ]
    for section in sections:
        if section.heading:
            lines.append(f"<h2>{html.escape(section.heading)}</h2>")
        lines += [f"<p>{html.escape(text)}</p>" for text in section.paragraphs]
        if section.table:
            head = _cells("th", section.table.columns)
            lines.append(f"<table><thead>{head}</thead><tbody>")
            lines += [_cells("td", row) for row in section.table.rows]
            lines.append("</tbody></table>")
        if section.code:
            lines.append(f"<pre>{html.escape(section.code)}</pre>")
    return "\n".join([*lines, "</body></html>"]) + "\n"


def _cells(tag: str, texts: Sequence[str]) -> str:
    cells = "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in texts)
    return f"<tr>{cells}</tr>"
