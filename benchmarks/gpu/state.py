"""What travels to the GPU machine and back: packed into few files, and received here.

    python benchmarks/gpu/state.py receive FOLDER [--home .gpu]

takes the files that came back in FOLDER, keeps models that are finished in
``.gpu/finished`` and what the next piece goes on from in ``.gpu/state``. Needs Python
alone.
"""

import argparse
import csv
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

# Files that come back have at most 16 MiB each, 64 MiB together, and are at most 8.
PART = 31 * 2**19
PARTS = 4
# In the folder of a model that is complete; its files then need not travel again.
FINISHED = "finished"
CONTENT = "state.json"


def pack(state: Path, out: Path) -> dict:
    """Write a folder as ``state.00``, ``state.01``, … and their list, ``state.json``.

    What does not fit into four parts is left out, largest file first, and the list
    says so.
    """
    files = [path for path in state.rglob("*") if path.is_file()]
    files = [path for path in files if not path.name.endswith(".partial")]
    room, kept = PART * PARTS - 2**20, []
    for path in sorted(files, key=lambda path: path.stat().st_size):
        room -= path.stat().st_size + 2048
        if room >= 0:
            kept.append(path)
    names = {str(path.relative_to(state)) for path in kept}
    left_out = sorted({str(path.relative_to(state)) for path in files} - names)
    with tempfile.TemporaryFile() as whole:
        with tarfile.open(fileobj=whole, mode="w") as archive:
            for name in sorted(names):
                archive.add(state / name, arcname=name)
        whole.seek(0)
        parts = []
        while part := whole.read(PART):
            name = f"state.{len(parts):02d}"
            (out / name).write_bytes(part)
            parts.append({"name": name, "sha256": hashlib.sha256(part).hexdigest()})
    for stale in out.glob("state.[0-9][0-9]"):
        if stale.name not in {part["name"] for part in parts}:
            stale.unlink()
    content = {"parts": parts, "files": sorted(names), "left_out": left_out}
    (out / CONTENT).write_text(json.dumps(content, indent=1) + "\n")
    return content


def unpack(folder: Path, destination: Path) -> dict:
    """Undo `pack`."""
    content = json.loads((folder / CONTENT).read_text())
    destination.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as whole:
        for part in content["parts"]:
            found = (folder / part["name"]).read_bytes()
            if hashlib.sha256(found).hexdigest() != part["sha256"]:
                raise SystemExit(
                    f"{folder / part['name']} is damaged: fetch it again, or repeat "
                    "the piece."
                )
            whole.write(found)
        whole.seek(0)
        with tarfile.open(fileobj=whole) as archive:
            archive.extractall(destination, filter="data")
    return content


def receive(folder: Path, home: Path) -> list[Path]:
    """Keep what came back: finished models here, the rest for the next piece."""
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch, "state")
        content = unpack(folder, state)
        finished = []
        for scores in sorted(state.rglob("scores.csv")):
            model = scores.parent
            kept = home / "finished" / model.relative_to(state)
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(model, kept)
            shutil.rmtree(model)
            model.mkdir()
            (model / FINISHED).touch()
            finished.append(kept)
        shutil.rmtree(home / "state", ignore_errors=True)
        shutil.copytree(state, home / "state")
    for name in content["left_out"]:
        print(f"did not come back, too large: {name}", file=sys.stderr)
    return finished


def scores_of(model: Path) -> str:
    """Say how good a finished model is."""
    with open(model / "scores.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    means = (sum(float(row[key]) for row in rows) / len(rows) for key in SCORES)
    return ", ".join(
        f"{key} {mean:.4f}" for key, mean in zip(SCORES, means, strict=True)
    )


SCORES = ("psnr", "ssim")

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("receive", choices=["receive"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", type=Path, default=Path(".gpu"))
    given = parser.parse_args()
    for model in receive(given.folder, given.home):
        print(f"{model}: {scores_of(model)}")
