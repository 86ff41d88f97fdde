"""Find the source files that a workflow script runs, so that edits are tracked."""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent


def source_files(script: str | Path, root: str | Path = PACKAGE.parent) -> list[str]:
    """List a script and the modules of this package that it imports.

    Imports are followed through the modules, wherever they stand in the code;
    they must be absolute (``from sfin.images import read_image``).

    Parameters
    ----------
    script
        Path of the script.
    root
        Folder that holds the package.

    Returns
    -------
    list of str
        Sorted paths; those of modules start with `root`.
    """
    root = Path(root)
    found: set[Path] = set()
    queue = [Path(script)]
    while queue:
        path = queue.pop()
        if path not in found:
            found.add(path)
            queue.extend(root / module for module in _imports(path, root))
    return sorted(map(str, found))


def imported_modules(path: str | Path, root: str | Path = PACKAGE.parent) -> set[str]:
    """Name the modules of this package that one file imports (``sfin.images``)."""
    return {
        ".".join(module.with_suffix("").parts)
        for module in _imports(Path(path), Path(root))
    }


@cache
def _imports(path: Path, root: Path) -> frozenset[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # What is imported may be a name or a module of its own.
            names |= {node.module, *(f"{node.module}.{n.name}" for n in node.names)}
    own = [Path(*name.split(".")) for name in names if name.startswith(PACKAGE.name)]
    modules = [name.with_suffix(".py") for name in own]
    return frozenset(module for module in modules if (root / module).is_file())


def digest(paths: Iterable[str | Path]) -> str:
    """Give a short name to the content of files: other content, other name."""
    content = hashlib.sha256()
    for path in sorted(map(str, paths)):
        content.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return content.hexdigest()[:12]
