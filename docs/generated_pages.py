"""Pages of the site that are made of the sources, and links that lead out of docs/.

A hook of MkDocs, see mkdocs.yml. On a code host the sources themselves are read:
config/, CONTRIBUTING.md and so on; the site has a page for each.
"""

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from typer.cli import get_docs_for_click
from typer.main import get_command

ROOT = Path(__file__).parents[1]
# Files outside of docs/ that have a page of their own; that of the README is written.
PAGES = {
    "README.md": "index.md",
    "config/README.md": "settings.md",
    "resources/calibration/README.md": "shipped_noise.md",
    "resources/weights/README.md": "shipped_networks.md",
    "benchmarks/gpu/README.md": "gpu_pieces.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
# What the Python reference shows, page by page.
MODULES = {
    "functions": "api.calibrate api.enhance api.detect_atoms api.synthesise",
    "images": "errors parameters images collection",
    "calibration": "calibration calibration_settings calibrated_images "
    "calibration_summary closure",
    "synthesis": "structures user_structures rendering rendering_settings columns "
    "arrangements noise synthesis datasets",
    "networks": "networks.registry networks.build networks.sfin networks.atomsegnet "
    "networks.fcn networks.cost models training training_settings",
    "enhancement": "inference enhancement uncertainty residuals filters detection "
    "positions confidence hyperspy",
    "scores": "metrics evaluation tables realism theory ring_correlation inventions "
    "movies",
}
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    made = {
        page: site_links(_read(source), source)
        for source, page in PAGES.items()
        if source != "README.md"
    }
    made["settings.md"] += settings_page()
    made["options.md"] = options_page()
    made |= {f"python/{name}.md": python_page(name) for name in MODULES}
    for notebook in sorted((ROOT / "docs/notebooks").glob("*.ipynb")):
        made[f"notebooks/{notebook.stem}.md"] = notebook_page(notebook)
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(
    markdown: str, page: Page, config: MkDocsConfig, files: Files
) -> str:
    """Let links to files of the repository lead to their pages."""
    return site_links(markdown, f"docs/{page.file.src_uri}")


def site_links(text: str, source: str) -> str:
    """Turn links between files of the repository into links between pages.

    Parameters
    ----------
    text
        Markdown.
    source
        Where it stands in the repository, such as ``docs/method.md``.
    """
    folder = posixpath.dirname(source)
    # Of the page that is made of the source.
    start = folder.removeprefix("docs").strip("/") if folder.startswith("docs") else ""

    def turn(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[0]))
        page = PAGES.get(target, target.removeprefix("docs/"))
        if page == target:
            return link[0]
        return posixpath.relpath(page, start or ".")

    return LINK.sub(turn, text)


def python_page(name: str) -> str:
    """Show the modules of one page of the Python reference."""
    modules = "\n\n".join(f"::: sfin.{module}" for module in MODULES[name].split())
    return f"# {name.capitalize()}\n\n{modules}\n"


def notebook_page(notebook: Path) -> str:
    """Show a notebook's text and code; its results come when it is run."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    parts = [f"*To run it: [{notebook.name}]({notebook.name}).*"]
    for cell in cells:
        text = "".join(cell["source"])
        code = cell["cell_type"] == "code"
        parts.append(f"```python\n{text}\n```" if code else text)
    # The heading first.
    return "\n\n".join([parts[1], parts[0], *parts[2:]]) + "\n"


def options_page() -> str:
    """Show what each command says when asked for help."""
    from sfin.cli.main import app

    command = get_command(app)
    context = command.make_context("sfin", [], resilient_parsing=True)
    text = get_docs_for_click(
        obj=command, ctx=context, name="sfin", title="All options"
    )
    return str(text)


def settings_page() -> str:
    """Show each section of config.yaml as it is, and what the schema allows."""
    schema = yaml.safe_load(_read("config/schema.yaml"))
    parts = []
    for name, text in sections(_read("config/config.yaml")).items():
        rows = "\n".join(allowed(schema["properties"][name], schema, name))
        parts.append(
            f"## {name}\n\n```yaml\n{text}```\n\n"
            f"| setting | allowed | |\n|---|---|---|\n{rows}\n"
        )
    return "\n".join(["", *parts])


def sections(config: str) -> dict[str, str]:
    """Split a config into its sections, the comment above each with it."""
    found: dict[str, str] = {}
    waiting, name = "", ""
    for line in config.splitlines(keepends=True):
        if start := re.match(r"(\w+):", line):
            name = start[1]
            found[name] = waiting + line
            waiting = ""
        elif line.startswith("#"):
            waiting += line
        elif not line.strip():
            waiting = ""
        else:
            found[name] += line
    return found


def allowed(
    rule: Mapping[str, Any], schema: Mapping[str, Any], place: str
) -> Iterator[str]:
    """Say what may stand at one place of a config, and at all places in it."""
    if "$ref" in rule:
        shared = schema["$defs"][rule["$ref"].rpartition("/")[2]]
        rule = {**shared, **rule}
    inner = dict(rule.get("properties", {}))
    if isinstance(rule.get("additionalProperties"), dict):
        inner["*"] = rule["additionalProperties"]
    if not inner or "description" in rule:
        text = rule.get("description", "")
        yield f"| `{place}` | {_kind(rule, schema)} | {text} |"
    for name, one in inner.items():
        yield from allowed(one, schema, f"{place}.{name}")


def _kind(rule: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Put one rule of the schema into words."""
    if "$ref" in rule:
        rule = {**schema["$defs"][rule["$ref"].rpartition("/")[2]], **rule}
    if "enum" in rule:
        return ", ".join(f"`{_word(value)}`" for value in rule["enum"])
    if "anyOf" in rule:
        return " or ".join(_kind(one, schema) for one in rule["anyOf"])
    types = rule.get("type", [])
    words = " or ".join([types] if isinstance(types, str) else types)
    if "array" in words and "items" in rule:
        words += f" of {_kind(rule['items'], schema)}"
    ends = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
        "multipleOf": "multiple of {}",
        "minItems": "at least {} of them",
        "maxItems": "at most {} of them",
    }
    bounds = [form.format(rule[key]) for key, form in ends.items() if key in rule]
    return ", ".join([words, *bounds])


def _word(value: object) -> str:
    return "null" if value is None else str(value)


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")
