"""Write what this environment holds to requirements.lock and envs/sfin.yaml."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    freeze = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(freeze, capture_output=True, text=True, check=True).stdout
    # A build of torch for one kind of processor is the same version of it.
    pins = [line.split("+")[0] for line in frozen.splitlines()]
    lock = [
        "# Exact pins of everything the project runs, tests and builds with,",
        "# on Python 3.11. Made by `make lock`.",
        *pins,
    ]
    (ROOT / "requirements.lock").write_text("\n".join(lock) + "\n", encoding="utf-8")
    environment = [
        "# The pins of requirements.lock, for `snakemake --sdm conda`.",
        "# Made by `make lock`.",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        "  - python=3.11",
        "  - pip",
        "  - pip:",
        *(f"      - {pin}" for pin in pins),
    ]
    path = ROOT / "envs" / "sfin.yaml"
    path.write_text("\n".join(environment) + "\n", encoding="utf-8")
