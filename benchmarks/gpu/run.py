"""Train and evaluate what a plan lists on a bare machine, a few minutes at a time.

    python3 benchmarks/gpu/run.py --minutes 9.3 --out $OUT

Run it in the repository. Python, torch, numpy and scipy are all it needs; what else is
missing comes from ``.gpu/packages`` (`bundle.py`). Datasets are made here from the
committed calibration and seeds. The training that is under way when the time is up
leaves a checkpoint, and the next piece goes on from it: ``.gpu/state`` travels there,
what `state.py` packs into `--out` travels back. The last line is one JSON object.
"""

import time

STARTED = time.monotonic()

# ruff: noqa: E402 (the clock starts before torch is imported, which takes seconds)
import argparse
import hashlib
import importlib
import importlib.util
import json
import math
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from state import FINISHED, pack, scores_of

ROOT = Path(__file__).parents[2]
NEEDED = "zarr numcodecs donfig google_crc32c dask partd locket threadpoolctl click "
NEEDED += "cloudpickle fsspec lazy_loader packaging pandas yaml "
NEEDED += "safetensors skimage toolz tqdm torch numpy scipy"
# Seconds that packing takes, and that a model is not worth beginning in.
RESERVE, LEAST = 12.0, 45.0
# In the state: how many pieces have worked on it.
COUNTER = "pieces"
# Seconds between two looks whether there is something new to pack, and between lines.
WATCH, BETWEEN = 10.0, 30.0


def say(text: str) -> None:
    """Print a line with the seconds since the start."""
    print(f"[{time.monotonic() - STARTED:6.1f} s] {text}", flush=True)


def provide(packages: Path) -> None:
    """Make importable what the machine lacks; what it has comes first."""
    places = [str(ROOT / "src"), str(ROOT / "benchmarks")]
    for archive in sorted(packages.glob("*.tar.xz")):
        if not any(importlib.util.find_spec(name) is None for name in NEEDED.split()):
            break
        size = archive.stat().st_size
        place = Path(tempfile.gettempdir(), "sfin-gpu", f"{archive.stem}-{size}")
        if not place.is_dir():
            partial = place.with_name(f"{place.name}.{os.getpid()}")
            with tarfile.open(archive, "r:xz") as files:
                files.extractall(partial, filter="data")
            partial.rename(place)
        sys.path.append(str(place))
        importlib.invalidate_caches()
        places.append(str(place))
    if importlib.util.find_spec("numba") is None:
        say("no numba here: pairs are drawn by numpy, with other last digits")
        places.append(str(Path(__file__).parent / "without_numba"))
        sys.path.append(places[-1])
    missing = [name for name in NEEDED.split() if not importlib.util.find_spec(name)]
    if missing:
        raise SystemExit(
            f"This machine lacks {', '.join(missing)}: run `make gpu-bundle` where "
            f"packages can be had, and carry {packages}."
        )
    sys.path[:0] = places[:2]
    # Other processes, such as those that draw pairs, need the same.
    places += filter(None, [os.environ.get("PYTHONPATH")])
    os.environ["PYTHONPATH"] = os.pathsep.join(places)


def merged(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another, section by section."""
    both = {**lower}
    for name, value in upper.items():
        below = both.get(name)
        if isinstance(value, dict) and isinstance(below, dict):
            value = merged(below, value)
        both[name] = value
    return both


class Piece:
    """One run: what it reads, where it writes, and when it must end."""

    def __init__(self, given: argparse.Namespace) -> None:
        import yaml

        self.read = lambda path: yaml.safe_load(Path(ROOT, path).read_text("utf-8"))
        self.plan = self.read(given.plan)
        self.state, self.device = given.state.resolve(), given.device
        self.deadline = STARTED + 60 * given.minutes - RESERVE
        self.done: dict[str, str] = {}

    def left(self) -> float:
        """Give the seconds that are left."""
        return self.deadline - time.monotonic()

    def run(self) -> None:
        """Do as much of the plan as there is time for."""
        for entry in self.plan["work"]:
            name = entry_name(entry)
            folder = self.state / name
            if (folder / FINISHED).exists() or (folder / "scores.csv").exists():
                continue
            if self.left() < LEAST:
                return
            folder.mkdir(parents=True, exist_ok=True)
            say(f"begins {name}")
            try:
                self._do(entry, folder)
            except Exception as error:
                from sfin.checkpoints import OutOfTime

                if isinstance(error, OutOfTime):
                    self.done[name] = str(error)
                    say(f"{name}: {error}")
                    return
                # One failure must not cost the rest of the piece.
                (folder / "error.txt").write_text(traceback.format_exc())
                self.done[name] = f"failed: {error!r}"
                traceback.print_exc()

    def _do(self, entry: dict[str, Any], folder: Path) -> None:
        name = entry_name(entry)
        if "benchmark" in entry:
            measure(entry, folder, min(entry["seconds"], self.left()), self.device)
            (folder / FINISHED).touch()
            self.done[name] = "measured"
            return
        model = Model(self, entry, folder)
        if not (folder / "weights.safetensors").exists():
            model.train()
        if self.left() > LEAST / 2:
            model.evaluate()
            (folder / "error.txt").unlink(missing_ok=True)
            self.done[name] = scores_of(folder)
            say(f"{name}: {self.done[name]}")


class Model:
    """A network of the plan, from its data to its scores."""

    def __init__(self, piece: Piece, entry: dict[str, Any], folder: Path) -> None:
        self.piece, self.folder = piece, folder
        self.mode, self.method = entry["mode"], entry["method"]
        config = piece.read("config/config.yaml")
        for path in piece.plan["recipes"][entry["recipe"]]:
            config = merged(config, piece.read(path))
        self.config = config
        self.origin = {
            "scale": config["scale"],
            "task": entry.get("task", "enhancement"),
            "dataset": "sfin",
            "mode": self.mode,
            "method": self.method,
            "seed": config["seed"],
        }

    def train(self) -> None:
        """Train, from the checkpoint if there is one."""
        settings = self._settings()
        switches = self._switches(settings["precision"])
        try:
            self._train({**settings, **switches})
        except RuntimeError as error:
            if not switches:
                raise
            # A switch that works for the benchmark may fail here; do without.
            say(f"once more without {switches}: {error!r}")
            (self.folder / "switches.json").write_text("{}\n")
            restart(self.piece.left() + RESERVE)

    def evaluate(self) -> None:
        """Score the network on the test images."""
        from sfin.evaluation import Origin, evaluate_method, write_evaluation
        from sfin.filters import filter_settings

        scores = evaluate_method(
            Origin(**self.origin),
            self._pairs("test"),
            self.folder / "weights.safetensors",
            filter_settings(self.config["filters"]),
        )
        if self.origin["task"] == "detection":
            self._localise()
        # Last: who finds it takes the model for finished.
        write_evaluation(self.folder / "scores.csv", scores)

    def _localise(self) -> None:
        """Measure how sure dots are, and how many of them are atoms, how near."""
        from sfin.confidence import write_confidence
        from sfin.detection import measure_detector, open_detector
        from sfin.detection_settings import DetectionSettings
        from sfin.evaluation import Origin
        from sfin.localisation import localise, write_localisation

        settings = DetectionSettings.from_mapping(self.config["detection"])
        weights = self.folder / "weights.safetensors"
        confidence = self.folder / "confidence.json"
        write_confidence(
            confidence, measure_detector(weights, self._pairs("validation"), settings)
        )
        detector = open_detector(weights, confidence, settings)
        write_localisation(
            self.folder / "localisation.csv",
            self.folder / "localisation.species.csv",
            Origin(**self.origin),
            localise(detector, self._pairs("test"), settings.match),
        )

    def _train(self, settings: dict[str, Any]) -> None:
        from sfin.models import train_method

        pairs = self._pairs("train")
        reported = -math.inf

        def report(done: int, total: int, detail: str) -> None:
            nonlocal reported
            if time.monotonic() - reported > BETWEEN or done == total:
                reported = time.monotonic()
                say(f"  {done}/{total} {detail}")

        train_method(
            pairs,
            self.folder,
            self.origin,
            self.config["networks"][self.method]["network"],
            settings,
            "gpu",
            report,
            # Another processor may round a pixel of the same images otherwise.
            deadline=self.piece.deadline,
            images=self._identity(),
        )

    def _settings(self) -> dict[str, Any]:
        own = self.config["networks"][self.method].get("training", {})
        settings = {**self.config["training"], **own}
        if self.piece.device != "auto":
            settings["device"] = self.piece.device
        return settings

    def _switches(self, precision: str) -> dict[str, bool]:
        # Kept with a training that has begun: others would begin it anew.
        kept = self.folder / "switches.json"
        if kept.exists():
            return json.loads(kept.read_text())
        switches = self.piece.plan["switches"]
        if switches == "measured":
            path = self.piece.state / "benchmark" / "networks" / "figures.json"
            found = json.loads(path.read_text()) if path.exists() else {}
            family = "sfin" if self.method.startswith("sfin") else self.method
            switches = found.get("switches", {}).get(family, {}).get(precision, {})
        kept.write_text(json.dumps(switches) + "\n")
        return switches

    def _identity(self) -> str:
        config, key = self.config, hashlib.sha256()
        for path in (self._calibration(), self._table()):
            key.update(path.read_bytes())
        parts = (config["structures"], config["synthesis"], self.origin["seed"])
        key.update(json.dumps([*parts, self.mode], sort_keys=True).encode())
        return key.hexdigest()[:16]

    def _calibration(self) -> Path:
        return ROOT / "resources" / "calibration" / f"{self.mode}.json"

    def _table(self) -> Path:
        return ROOT / "resources" / "structures" / "columns.json"

    def _pairs(self, split: str) -> Path:
        """Make a dataset, or find it where an earlier piece has left it."""
        place = Path(tempfile.gettempdir(), "sfin-gpu", "datasets", self._identity())
        path = place / f"{split}.zarr"
        if path.is_dir():
            return path
        from sfin.calibrated_images import read_shipped
        from sfin.calibration_summary import summarise_images
        from sfin.shipped_columns import read_table
        from sfin.synthesis import SynthesisSettings, synthesise_dataset

        table = read_table(self._table())
        number = self.config["synthesis"]["number"][split]
        place.mkdir(parents=True, exist_ok=True)
        synthesise_dataset(
            path,
            split,
            [table[name] for name in self.config["structures"]],
            summarise_images(self.mode, read_shipped(self._calibration())),
            number,
            SynthesisSettings.from_dict(self.config["synthesis"]["settings"]),
            {"seed": self.config["seed"], "scale": self.config["scale"]},
            workers=os.cpu_count(),
            scheduler="processes",
        )
        say(f"  made {number} {self.mode} {split} pairs")
        return path


def entry_name(entry: dict[str, Any]) -> str:
    """Name an entry of the plan; also its folder in the state."""
    if "benchmark" in entry:
        return f"benchmark/{entry['benchmark']}"
    task = entry.get("task", "enhancement")
    return f"{entry['recipe']}/{task}/sfin/{entry['mode']}/{entry['method']}"


def measure(entry: dict[str, Any], folder: Path, seconds: float, device: str) -> None:
    """Run a benchmark and keep its figures."""
    script = ROOT / "benchmarks" / f"{entry['benchmark']}.py"
    command = [sys.executable, str(script), "--seconds", f"{seconds:.0f}"]
    command += ["--device", device, *entry.get("arguments", [])]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or []:
            print(line, end="", flush=True)
            lines.append(line)
    if process.returncode:
        raise RuntimeError(f"{script.name} ended with {process.returncode}")
    (folder / "log.txt").write_text("".join(lines))
    (folder / "figures.json").write_text(lines[-1])


def restart(seconds: float) -> None:
    """Begin this piece anew: what broke may have left the GPU unusable for it."""
    sys.stdout.flush()
    minutes = ["--minutes", f"{seconds / 60:.3f}"]
    command = [sys.executable, "-u", __file__, *sys.argv[1:], *minutes]
    os.execv(sys.executable, command)


def resume(state: Path, warm: Path) -> None:
    """Go on from the state that an earlier piece left on this machine, if it is later.

    A machine that is used again soon is as it was: then the next piece need not wait
    until this state has travelled back and forth.
    """
    state.mkdir(parents=True, exist_ok=True)
    if _pieces(warm) > _pieces(state):
        say("goes on from what the last piece left on this machine")
        shutil.rmtree(state)
        shutil.copytree(warm, state)
    (state / COUNTER).write_text(f"{_pieces(state) + 1}\n")


def _pieces(state: Path) -> int:
    counter = state / COUNTER
    return int(counter.read_text()) if counter.exists() else 0


@contextmanager
def packing(state: Path, out: Path) -> Iterator[None]:
    """Pack the state whenever it has changed, and at the end."""
    ended = threading.Event()
    packed: set[tuple[str, int]] = set()

    def pack_if_new() -> None:
        nonlocal packed
        files = [path for path in state.rglob("*") if path.is_file()]
        found = {(str(path), path.stat().st_mtime_ns) for path in files}
        if found != packed:
            left_out = pack(state, out)["left_out"]
            packed = found
            if left_out:
                say(f"too large to travel back: {', '.join(left_out)}")

    def watch() -> None:
        while not ended.wait(WATCH):
            try:
                pack_if_new()
            except OSError as error:
                # A file may vanish meanwhile; the next look comes soon.
                say(f"packing: {error!r}")

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
        pack_if_new()


def main() -> None:
    """Do one piece."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plan", default="benchmarks/gpu/plan.yaml")
    parser.add_argument("--minutes", type=float, default=9.3)
    parser.add_argument("--state", type=Path, default=ROOT / ".gpu" / "state")
    parser.add_argument("--packages", type=Path, default=ROOT / ".gpu" / "packages")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    provide(given.packages)
    given.out.mkdir(parents=True, exist_ok=True)
    warm = Path(tempfile.gettempdir(), "sfin-gpu", "state")
    resume(given.state, warm)
    piece = Piece(given)
    with packing(given.state, given.out):
        piece.run()
    shutil.rmtree(warm, ignore_errors=True)
    shutil.copytree(given.state, warm)
    seconds = round(time.monotonic() - STARTED)
    print(json.dumps({"seconds": seconds, "left": piece.left() > 0, **piece.done}))


if __name__ == "__main__":
    main()
