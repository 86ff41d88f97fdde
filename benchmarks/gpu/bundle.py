"""Pack the Python packages that the GPU machine may lack.

    python benchmarks/gpu/bundle.py [--python 3.12] [--home .gpu]

writes ``.gpu/packages/lacking.tar.xz``, what PyTorch's usual images do not have, and
``.gpu/packages/others.tar.xz``, what they mostly do. Wheels of the versions in
``requirements.lock``, for that Python, without their tests, and packed more tightly
than wheels are: `run.py` unpacks them. Numba's compiler would be 50 MiB: a machine
without it does with ``without_numba``.
"""

import argparse
import io
import lzma
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of the versions in requirements.lock.
LACKING = """zarr numcodecs donfig google-crc32c dask partd locket"""
OTHERS = """click cloudpickle fsspec lazy-loader packaging pandas python-dateutil pyyaml
safetensors scikit-image threadpoolctl toolz tqdm"""
PLATFORMS = [f"manylinux_2_{minor}_x86_64" for minor in (28, 27, 24, 17)]
PLATFORMS += ["manylinux2014_x86_64"]
UNUSED = (".h", ".hpp", ".lib", ".pdb", ".pyx", ".pxd", ".c")


def pins() -> dict[str, str]:
    """Read the version of each package from the lock file."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def download(names: list[str], python: str, folder: Path) -> None:
    """Fetch the wheels of packages, without what they depend on."""
    version = pins()
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        + ["--only-binary=:all:", "--python-version", python]
        + ["--implementation", "cp", *platforms, "--dest", str(folder)]
        + [f"{name}=={version[name]}" for name in names],
        check=True,
    )


def pack(wheels: Path, destination: Path) -> None:
    """Write the content of all wheels of a folder as one archive."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_suffix(".partial")
    with (
        lzma.open(partial, "wb", preset=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w|") as archive,
    ):
        for wheel in sorted(wheels.glob("*.whl")):
            with zipfile.ZipFile(wheel) as files:
                for entry in files.infolist():
                    if entry.is_dir() or "/tests/" in entry.filename:
                        continue
                    if entry.filename.endswith(UNUSED):
                        continue
                    header = tarfile.TarInfo(entry.filename)
                    header.size, header.mode = entry.file_size, 0o755
                    archive.addfile(header, io.BytesIO(files.read(entry)))
    partial.replace(destination)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default="3.12")
    parser.add_argument("--home", type=Path, default=Path(".gpu"))
    given = parser.parse_args()
    for name, packages in (("lacking", LACKING), ("others", OTHERS)):
        archive = given.home / "packages" / f"{name}.tar.xz"
        with tempfile.TemporaryDirectory() as folder:
            download(packages.split(), given.python, Path(folder))
            pack(Path(folder), archive)
        print(f"{archive}: {archive.stat().st_size / 2**20:.1f} MiB")
