import csv
import hashlib
import os
import subprocess
import tarfile
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from sfin import downloads
from sfin.errors import InputError
from sfin.images import read_image
from sfin.sources import COLUMNS, PublicImage, fetch, read_sources

REPOSITORY = Path(__file__).parents[1]
SHA256 = "0" * 64
ROW = {
    "name": "specimen",
    "mode": "haadf",
    "material": "SrTiO3",
    "zone_axis": "[001]",
    "structure": "SrTiO3_001",
    "pixel_size": "0.1",
    "kind": "url",
    "location": "https://example.org/a.tif",
    "member": "",
    "sha256": SHA256,
    "licence": "CC0-1.0",
    "citation": "",
    "note": "",
}


def write_list(path, *rows, header=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row[column] for column in header] for row in rows)
    return path


def sum_of(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.npy"
    np.save(path, np.random.default_rng(4).normal(size=(20, 30)))
    return path


@pytest.fixture
def public_image(picture):
    return PublicImage(
        name="specimen",
        mode="haadf",
        material="SrTiO3",
        zone_axis="[001]",
        structure="SrTiO3_001",
        pixel_size=0.1,
        kind="file",
        location=picture.name,
        member="",
        sha256=sum_of(picture),
        licence="CC0-1.0",
        citation="",
        note="",
    )


@pytest.fixture
def folder(tmp_path):
    """Return an empty folder that must hold the image and nothing else after."""
    path = tmp_path / "fetched"
    path.mkdir()
    return path


# ---------------------------------------------------------------- the list


def test_the_list_of_the_project():
    images = read_sources(REPOSITORY / "resources/real_images/sources.csv")
    assert {image.mode for image in images} == {"haadf", "bf"}
    assert all(image.pixel_size for image in images)


def test_a_good_list(tmp_path):
    package = ROW | {
        "name": "package",
        "kind": "pypi",
        "location": "some-package==1.0",
        "member": "some_package/data/B.DM3",
        "pixel_size": "",
    }
    local = ROW | {"name": "local", "kind": "file", "location": "data/a.hspy"}
    query = ROW | {"name": "query", "location": "https://example.org/a.ser?version=2"}
    path = write_list(tmp_path / "a.csv", ROW, package, local, query)
    images = read_sources(path)
    assert [image.suffix for image in images] == [".tif", ".dm3", ".hspy", ".ser"]
    assert [image.pixel_size for image in images] == [0.1, None, 0.1, 0.1]
    shuffled = write_list(tmp_path / "b.csv", ROW, package, header=COLUMNS[::-1])
    assert read_sources(shuffled) == images[:2]
    assert read_sources(write_list(tmp_path / "none.csv")) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[
            (column, "")
            for column in COLUMNS
            if column
            not in (
                "zone_axis",
                "structure",
                "pixel_size",
                "member",
                "citation",
                "note",
            )
        ],
        ("name", "../a"),
        ("name", "a.b"),
        ("mode", "HAADF"),
        ("kind", "ftp"),
        ("sha256", "abc"),
        ("sha256", "A" * 64),
        ("location", "ftp://example.org/a.tif"),
        ("location", "https://example.org/a.jpg"),
        ("member", "a.txt"),
        ("pixel_size", "0.1 nm"),
        ("pixel_size", "-0.1"),
        ("pixel_size", "inf"),
    ],
)
def test_a_bad_cell_is_named_with_its_row(tmp_path, column, value):
    other = ROW | {"name": "other"}
    path = write_list(tmp_path / "a.csv", other, ROW | {column: value})
    with pytest.raises(InputError, match=rf"^Row 3 of .*a\.csv has {column} "):
        read_sources(path)


@pytest.mark.parametrize(
    ("column", "changes"),
    [
        ("location", {"kind": "pypi", "member": "a.tif", "location": "name>=1"}),
        ("member", {"kind": "pypi", "location": "name==1"}),
        ("location", {"kind": "file", "location": "/data/a.tif"}),
        ("location", {"kind": "file", "location": "../a.tif"}),
    ],
)
def test_what_a_kind_asks_for(tmp_path, column, changes):
    path = write_list(tmp_path / "a.csv", ROW | changes)
    with pytest.raises(InputError, match=f"^Row 2 of .* has {column} "):
        read_sources(path)


def test_a_bad_table(tmp_path):
    path = write_list(tmp_path / "a.csv", ROW, ROW)
    with pytest.raises(InputError, match=r"Row 3 .*'specimen' again"):
        read_sources(path)
    path = write_list(tmp_path / "a.csv", header=[*COLUMNS, "colour"])
    with pytest.raises(InputError, match="'colour'"):
        read_sources(path)
    path = write_list(tmp_path / "a.csv", header=COLUMNS[1:])
    with pytest.raises(InputError, match="'name'"):
        read_sources(path)
    path = write_list(tmp_path / "a.csv", header=[*COLUMNS, "name"])
    with pytest.raises(InputError, match="twice"):
        read_sources(path)
    path.write_text("")
    with pytest.raises(InputError, match="Row 1"):
        read_sources(path)
    path.write_text(",".join(COLUMNS) + "\na,b\n")
    with pytest.raises(InputError, match=r"Row 2 .* 2 cells"):
        read_sources(path)
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="UTF-8"):
        read_sources(path)
    with pytest.raises(InputError, match="missing"):
        read_sources(tmp_path / "missing.csv")


# ---------------------------------------------------------------- fetching


def fetched(public_image, folder, picture, **kwargs):
    destination = folder / f"specimen{public_image.suffix}"
    fetch(public_image, destination, **kwargs)
    assert destination.read_bytes() == picture.read_bytes()
    assert list(folder.iterdir()) == [destination]
    assert read_image(destination).data.shape == (20, 30)


def not_fetched(public_image, folder, *words, **kwargs):
    with pytest.raises(InputError) as caught:
        fetch(public_image, folder / "specimen.npy", **kwargs)
    for word in ("specimen", *words):
        assert word in str(caught.value)
    assert list(folder.iterdir()) == []


def test_file_of_the_repository(public_image, folder, picture):
    fetched(public_image, folder, picture, repository=picture.parent)
    (folder / "specimen.npy").unlink()
    missing = replace(public_image, location="none.npy")
    not_fetched(missing, folder, "none.npy", repository=picture.parent)
    wrong = replace(public_image, sha256=SHA256)
    not_fetched(wrong, folder, SHA256, public_image.sha256, repository=picture.parent)
    assert picture.exists()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_member_of_an_archive(public_image, folder, picture, kind):
    archive = picture.parent / f"archive.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as package:
            package.write(picture, "data/picture.npy")
    else:
        with tarfile.open(archive, "w:gz") as package:
            package.add(picture, "data/picture.npy")
    inside = replace(
        public_image,
        kind="url",
        location=archive.as_uri(),
        member="data/picture.npy",
        sha256=sum_of(archive),
    )
    fetched(inside, folder, picture)
    (folder / "specimen.npy").unlink()
    not_fetched(replace(inside, member="data/none.npy"), folder, "data/none.npy")
    bare = replace(inside, location=picture.as_uri(), sha256=public_image.sha256)
    not_fetched(bare, folder, "cannot be unpacked")


def test_what_is_no_image_is_not_kept(public_image, folder, tmp_path):
    (tmp_path / "page.npy").write_text("<html>Log in</html>")
    page = replace(
        public_image, location="page.npy", sha256=sum_of(tmp_path / "page.npy")
    )
    not_fetched(page, folder, "page.npy", "no .npy file", repository=tmp_path)


@pytest.fixture
def server(picture, monkeypatch):
    """Serve the picture; return its address and the paths that were asked for."""
    content, asked = picture.read_bytes(), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            first = asked.count(self.path) == 1
            if self.path.startswith("/missing"):
                self.send_error(404)
            elif self.path.startswith("/down") or (
                self.path.startswith("/busy") and first
            ):
                self.send_error(503)
            else:
                cut = self.path.startswith("/cut") and first
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[:100] if cut else content)

        def log_message(self, *_):
            pass

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http_server:
        thread = threading.Thread(target=http_server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{http_server.server_address[1]}", asked
        http_server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "requests"), [("good", 1), ("busy", 2), ("cut", 2)])
def test_address(public_image, folder, picture, server, path, requests):
    address, asked = server
    image = replace(public_image, kind="url", location=f"{address}/{path}.npy")
    fetched(image, folder, picture, pause=0.0)
    assert len(asked) == requests


def test_address_that_fails(public_image, folder, server):
    address, asked = server
    image = replace(public_image, kind="url", location=f"{address}/missing.npy")
    not_fetched(image, folder, "404", pause=0.0)
    assert len(asked) == 1
    image = replace(public_image, kind="url", location=f"{address}/down.npy")
    not_fetched(image, folder, "503", pause=0.0)
    assert len(asked) == 5
    image = replace(
        public_image, kind="url", location=f"{address}/good.npy", sha256=SHA256
    )
    not_fetched(image, folder, SHA256, public_image.sha256, pause=0.0)
    gone = replace(public_image, kind="url", location="file:///none/a.npy")
    not_fetched(gone, folder, "/none/a.npy", pause=0.0)


@pytest.fixture
def wheel(picture):
    """Write the wheel of a package that holds the picture."""
    path = picture.parent / "wheels" / "tiny_specimen-1.0-py3-none-any.whl"
    path.parent.mkdir()
    about = "tiny_specimen-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as package:
        package.write(picture, "tiny_specimen/picture.npy")
        package.writestr(
            f"{about}/METADATA",
            "Metadata-Version: 2.1\nName: tiny-specimen\nVersion: 1.0\n",
        )
        package.writestr(
            f"{about}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        package.writestr(f"{about}/RECORD", "")
    return path


@pytest.fixture
def packaged(public_image, wheel):
    return replace(
        public_image,
        kind="pypi",
        location="tiny-specimen==1.0",
        member="tiny_specimen/picture.npy",
        sha256=sum_of(wheel),
    )


def test_package_by_pip(packaged, folder, picture, wheel, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    fetched(packaged, folder, picture)
    (folder / "specimen.npy").unlink()
    wrong = replace(packaged, sha256=SHA256)
    not_fetched(wrong, folder, "tiny-specimen==1.0", SHA256, packaged.sha256)


def test_package_when_pip_misbehaves(packaged, folder, wheel, monkeypatch):
    def pretend(content, returncode=0, stderr=""):
        def run(command, **_):
            packages = Path(command[command.index("--dest") + 1])
            if content is not None:
                packages.mkdir()
                (packages / wheel.name).write_bytes(content)
            return subprocess.CompletedProcess(command, returncode, "", stderr)

        monkeypatch.setattr(downloads.subprocess, "run", run)

    pretend(wheel.read_bytes())
    fetch(packaged, folder / "specimen.npy")
    (folder / "specimen.npy").unlink()
    pretend(wheel.read_bytes()[:-1])
    not_fetched(packaged, folder, "SHA-256", packaged.sha256)
    pretend(None, 1, "No module named pip")
    not_fetched(packaged, folder, "No module named pip")

    def late(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(downloads.subprocess, "run", late)
    not_fetched(packaged, folder, "did not finish")
