"""The site says what there is: files in results, settings, commands."""

import re
import sys
from itertools import product

import pytest
import yaml
from samples import ROOT

RULES = sorted((ROOT / "workflow/rules").glob("*.smk"))
BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")
pytest.importorskip("mkdocs", reason="pip install 'sfin[docs]'")


@pytest.fixture(scope="module")
def generated():
    """Import the hook of MkDocs, which is no part of the package."""
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import generated_pages
    finally:
        sys.path.pop(0)
    return generated_pages


def spelt_out(path):
    """Write a path with choices in braces once for each choice."""
    parts = BRACES.split(path)
    choices = [part.split(",") if i % 2 else [part] for i, part in enumerate(parts)]
    return {"".join(choice) for choice in product(*choices)}


def outputs(text):
    """Find the files that rules make."""
    for _, block in re.findall(r"\n( +)output:\n(.*?)\n\1\w+:\n", text, re.S):
        yield from re.findall(r'"(results/[^"]+)"', block)


def test_page_on_results_names_all_that_is_made_and_nothing_else():
    page = (ROOT / "docs/results.md").read_text("utf-8")
    named = set().union(
        *map(spelt_out, re.findall(r"^\| `(results/.+?)` \|", page, re.M))
    )
    made = {path for rules in RULES for path in outputs(rules.read_text("utf-8"))}
    assert len(made) > 100
    missing = {path for path in made if not any(covers(name, path) for name in named)}
    assert missing == set()
    stale = {name for name in named if not any(covers(name, path) for path in made)}
    assert stale <= {"results/report.html"}


def covers(name, path):
    """Tell whether a path of the page stands for a path of a rule."""
    words = [re.escape(part) for part in re.split(r"\{\w+\}", name)]
    return re.fullmatch(r"(?:\w+|\{\w+\})".join(words), path) is not None


def leaves(settings, place):
    """Find the place of every value of a config."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{place}{name}.")
        else:
            yield f"{place}{name}"


def test_page_on_settings_says_what_each_may_be(generated):
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text("utf-8"))
    page = generated.settings_page()
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \|", page, re.M)
    patterns = [re.escape(place).replace(r"\*", ".+") for place, _ in rows]
    for place in leaves(config, ""):
        assert any(re.fullmatch(pattern, place) for pattern in patterns), place
    assert all(kind.strip() for _, kind in rows)
    # Each section is shown as it is in the file, with its comments.
    for name, text in generated.sections(
        (ROOT / "config/config.yaml").read_text("utf-8")
    ).items():
        assert f"## {name}\n\n```yaml\n{text}```" in page
        assert yaml.safe_load(text.replace("*fourier", "0")).keys() == {name}


def test_page_on_options_has_every_command(generated):
    page = generated.options_page()
    for command in (
        "enhance",
        "detect",
        "calibrate",
        "inspect",
        "synthesise",
        "models",
    ):
        assert f"## `sfin {command}`" in page
    assert "--uncertainty" in page


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("docs/method.md", "gan.md", "gan.md"),
        ("docs/gpu.md", "../config/README.md#x", "settings.md#x"),
        ("docs/notebooks/first.md", "../detection.md", "../detection.md"),
        ("docs/notebooks/first.md", "../../README.md", "../index.md"),
        ("config/README.md", "../docs/gan.md", "gan.md"),
        ("CONTRIBUTING.md", "docs/own_network.md", "own_network.md"),
        ("CONTRIBUTING.md", "config/README.md", "settings.md"),
        ("CONTRIBUTING.md", "https://keepachangelog.com", "https://keepachangelog.com"),
    ],
)
def test_links_between_files_become_links_between_pages(
    generated, source, link, expected
):
    assert generated.site_links(f"[text]({link})", source) == f"[text]({expected})"


@pytest.mark.parametrize(
    "name",
    ["README.md", "CONTRIBUTING.md", "config/README.md"]
    + [str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").glob("*.md"))],
)
def test_links_lead_to_files_on_a_code_host_too(name):
    file = ROOT / name
    for link in re.findall(r"\]\(([^)#:]+)[#)]", file.read_text("utf-8")):
        assert (file.parent / link).exists(), f"{name} links to {link}"
