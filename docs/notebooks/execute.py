"""Execute the notebooks of this folder, and keep their outputs in them.

``.venv/bin/python docs/notebooks/execute.py`` after a change of what they show. It
fetches a public image.
"""

from collections.abc import Mapping
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
# Seconds that one cell may take, on a machine that is busy with other things.
PATIENCE = 900


def execute(
    notebook: Path, folder: Path, changes: Mapping[str, str] | None = None
) -> nbformat.NotebookNode:
    """Execute a notebook from its first cell to its last.

    Parameters
    ----------
    notebook
        File of it, which is left as it is.
    folder
        Folder that it runs in.
    changes
        By the start of a line, what stands in its place: what a user would edit.

    Returns
    -------
    NotebookNode
        It and its outputs, without the times of execution.

    Raises
    ------
    ValueError
        If a line to be changed does not stand there once.
    nbclient.exceptions.CellExecutionError
        If a cell fails.
    """
    content = nbformat.read(notebook, as_version=4)
    for start, replacement in (changes or {}).items():
        found = 0
        for cell in content.cells:
            lines = cell.source.splitlines()
            at = [i for i, line in enumerate(lines) if line.startswith(start)]
            for place in at:
                lines[place] = replacement
            found += len(at)
            cell.source = "\n".join(lines)
        if found != 1:
            raise ValueError(f"{notebook.name} has {found} lines that start {start!r}.")
    NotebookClient(
        content,
        timeout=PATIENCE,
        record_timing=False,
        startup_timeout=PATIENCE,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    # The version of Python is not what the notebook shows.
    content.metadata["language_info"] = {"name": "python"}
    return content


if __name__ == "__main__":
    for notebook in sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(execute(notebook, FOLDER), notebook)
        print(f"{notebook.name}: {notebook.stat().st_size / 1000:.0f} kB")
