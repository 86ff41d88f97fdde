"""Take finished models into ``resources/weights``, each with its card.

    .venv/bin/python benchmarks/gpu/ship.py FOLDER…

A folder is one of ``.gpu/finished`` or of the state that `run.py` left, with
``weights.safetensors`` and ``scores.csv`` in it. Run it in the repository.
"""

import shutil
import sys
from pathlib import Path

from sfin.model_card import write_model_card
from sfin.model_files import read_metadata

SHIPPED = Path(__file__).parents[2] / "resources" / "weights"
# By their names there; scores have the name that the workflow gives them.
FILES = {
    "weights.safetensors": "weights.safetensors",
    "history.csv": "history.csv",
    "settings.json": "settings.json",
    "scores.csv": "evaluation.csv",
    "confidence.json": "confidence.json",
    "localisation.csv": "localisation.csv",
    "localisation.species.csv": "localisation.species.csv",
}


def ship(folder: Path) -> Path:
    """Copy a finished model; give the folder it is in now."""
    known = read_metadata(folder / "weights.safetensors")
    if not (folder / "scores.csv").is_file():
        raise SystemExit(f"{folder} has no scores.csv: let run.py finish it first.")
    place = "/".join(known[key] for key in ("task", "dataset", "mode", "method"))
    home = SHIPPED / place
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    for name, kept in FILES.items():
        if (folder / name).is_file():
            shutil.copy(folder / name, home / kept)
    write_model_card(home)
    return home


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(ship(Path(argument)))
