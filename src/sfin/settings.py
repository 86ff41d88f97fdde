"""Check the settings of a run against a schema, and say plainly what is wrong."""

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from sfin.errors import InputError
from sfin.files import write_whole

SCALE_MARK = "scale"


def check_settings(settings: Mapping[str, Any], schema: str | Path) -> None:
    """Check settings against a JSON schema written in YAML.

    Parameters
    ----------
    settings
        The whole configuration.
    schema
        Path of the schema.

    Raises
    ------
    InputError
        If a setting is unknown, missing or out of its bounds; the sentence
        names the first one, and a similar name if there is one.
    """
    rules = yaml.safe_load(Path(schema).read_text(encoding="utf-8"))
    validator = jsonschema.Draft202012Validator(rules)
    error = jsonschema.exceptions.best_match(validator.iter_errors(settings))
    if error is not None:
        place = ".".join(map(str, error.absolute_path))
        sentence = _sentence(error, place)
        end = "" if sentence.endswith("?") else "."
        raise InputError(f"The config cannot be used: {sentence}{end}")


def check_scale(results: str | Path, scale: str) -> None:
    """Refuse to replace the results of one scale by those of another.

    Parameters
    ----------
    results
        Folder of the results; `mark_scale` wrote down their scale there.
    scale
        Of this run.

    Raises
    ------
    InputError
        If the results are of another scale.
    """
    mark = Path(results, SCALE_MARK)
    found = mark.read_text(encoding="utf-8").strip() if mark.exists() else scale
    if found != scale:
        # Some scales have names of several words.
        other = f"{results}-{'-'.join(found.split())}"
        raise InputError(
            f"{results}/ holds results of scale {found}, which a run at scale {scale} "
            f"would replace: rename the folder first (mv {results} {other}), or remove "
            "it."
        )


def mark_scale(results: str | Path, scale: str) -> None:
    """Write down the scale of the results in a folder."""
    write_whole(Path(results, SCALE_MARK), scale + "\n")


def _sentence(error: jsonschema.ValidationError, place: str) -> str:
    within = f" in {place}" if place else ""
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        unknown = sorted(_unknown(error.instance, known))[0]
        near = difflib.get_close_matches(unknown, known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"choose from {known}"
        return f"there is no setting {unknown!r}{within}; {remedy}"
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"the setting {missing[0]!r} is missing{within}; add it"
    expected = error.schema.get("description")
    hint = f" ({expected.rstrip('.')})" if expected else ""
    if error.validator == "contains":
        return (
            f"{place}{hint}: {error.schema['contains']['const']!r} must be among them"
        )
    if error.validator == "type" and str(error.instance) in ("true", "false"):
        return (
            f"{place}{hint}: {error.instance} is a text on Snakemake's command line; "
            f"write {str(error.instance).capitalize()} there"
        )
    if error.validator == "type" and _is_number(error.instance):
        return (
            f"{place}{hint}: YAML takes {error.instance} for a text; write a number "
            "like 1.0e-3"
        )
    if error.validator == "pattern":
        # Of a value, or of a name; nobody should have to read the pattern.
        return f"{place}{hint}: {error.instance!r} is not written like that"
    return f"{place}{hint}: {error.message}"


def _is_number(value: object) -> bool:
    """Tell whether a text reads as a number, as 1e-3 does to everyone but YAML."""
    try:
        return isinstance(value, str) and float(value) == float(value)
    except ValueError:
        return False


def _unknown(settings: Mapping[str, Any], known: list[str]) -> Iterator[str]:
    yield from (name for name in settings if name not in known)
