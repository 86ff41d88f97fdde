"""Bring a file here from a package or an address, and out of its archive.

``label`` is what messages call the thing, such as ``mos2 (some-package==1.0)``.
"""

import hashlib
import http.client
import re
import shutil
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

from sfin.errors import InputError

_ATTEMPTS = 4
_TIMEOUT = 60.0  # seconds without an answer
_PIP_TIMEOUT = 1800.0  # seconds for a whole package


def download_package(label: str, requirement: str, sha256: str, folder: Path) -> Path:
    """Download the file of a Python package that has this sum, without installing.

    Parameters
    ----------
    label
        What messages call it.
    requirement
        ``NAME==VERSION``.
    sha256
        Sum of the wheel or source archive wanted.
    folder
        Empty folder to work in.

    Returns
    -------
    Path
        The wheel or source archive, inside ``folder``.

    Raises
    ------
    InputError
        pip cannot download it, or the release has no file with this sum.
    """
    # With the sum among its requirements, pip chooses the one file of the release
    # that has it, wheel or source, and refuses any other before it runs its code.
    wanted = folder / "wanted.txt"
    wanted.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    packages = folder / "packages"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
    command += ["--disable-pip-version-check", "--quiet", "--require-hashes"]
    command += ["--requirement", str(wanted), "--dest", str(packages)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_PIP_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InputError(
            f"{label} cannot be fetched, as pip did not finish in {_PIP_TIMEOUT:g} s; "
            "try again later."
        ) from error
    found = re.search(r"Got\s+([0-9a-f]{64})", done.stderr)
    if found:
        raise _wrong_sum(label, found[1], sha256)
    files = sorted(packages.iterdir()) if packages.is_dir() else []
    if done.returncode != 0 or len(files) != 1:
        said = " ".join(done.stderr.split()[-40:]) or "nothing"
        raise InputError(
            f"{label} cannot be fetched, as pip could not download it (it said: "
            f"{said}); check the connection, the name and the version."
        )
    return files[0]


def download_address(label: str, address: str, path: Path, pause: float = 1.0) -> None:
    """Download an address to a file, trying four times if the trouble may pass.

    Parameters
    ----------
    label
        What messages call it.
    address
        http, https or file address.
    path
        File to write.
    pause
        Seconds before the second attempt; doubled each time.

    Raises
    ------
    InputError
        The address does not exist, or no attempt brought the whole file.
    """
    trouble = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause * 2.0 ** (attempt - 1))
        try:
            with (
                urllib.request.urlopen(address, timeout=_TIMEOUT) as answer,
                path.open("wb") as file,
            ):
                shutil.copyfileobj(answer, file)
            expected = answer.headers.get("Content-Length")
            if expected is None or path.stat().st_size == int(expected):
                return
            trouble = f"only {path.stat().st_size} of {expected} bytes came"
        except urllib.error.HTTPError as error:
            error.close()
            trouble = str(error)
            if error.code < 500 and error.code not in (408, 429):
                break  # asking again will not help
        except (OSError, http.client.HTTPException) as error:
            trouble = str(error) or type(error).__name__
    raise InputError(
        f"{label} cannot be downloaded ({trouble}); check the connection and the "
        "address, then try again."
    )


def check_sum(label: str, path: Path, sha256: str) -> None:
    """Raise InputError unless the file has this SHA-256 sum."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise _wrong_sum(label, found, sha256)


def _wrong_sum(label: str, found: str, expected: str) -> InputError:
    return InputError(
        f"{label} has the SHA-256 sum {found} instead of {expected} and is not used; "
        "try again, and if it stays so, its owner has changed it: look at it, then "
        "correct the sum."
    )


def extract(label: str, archive: Path, member: str, path: Path) -> None:
    """Write one member of a zip file, wheel or tar archive to a file.

    Raises
    ------
    InputError
        It is no archive, is damaged, or has no such file inside.
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped, zipped.open(member) as source:
                _write(source, path)
        else:
            with tarfile.open(archive) as tarred:
                content = tarred.extractfile(member)
                if content is None:
                    raise KeyError(member)  # a folder or a device
                with content as source:
                    _write(source, path)
    except KeyError as error:
        raise InputError(
            f"{label} holds no file {member}; correct this path inside the archive."
        ) from error
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError) as error:
        raise InputError(
            f"{label} cannot be unpacked ({error}); give a zip file, a wheel or a tar "
            "archive, or leave out the path inside."
        ) from error


def _write(source: IO[bytes], path: Path) -> None:
    with path.open("wb") as file:
        shutil.copyfileobj(source, file)
