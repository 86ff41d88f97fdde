"""The page of an image: what it holds, and that it holds it whole."""

import io
import json
import re
from base64 import b64decode
from html.parser import HTMLParser
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image as Picture
from view_pages import LACKING, PIXEL_SIZE, lattice, look, trained_range

from sfin.figures.comparison import contrast_limits
from sfin.trust_report import trust_numbers
from sfin.view.page import render_page, write_page
from sfin.view.panes import FREQUENCY_UNITS, spectrum_panes
from sfin.view.pictures import binning, data_uri, image_pane
from sfin.view.report import PARAMETERS, noise_rows

VOID = {"meta", "link", "img", "input"}
LARGE = (256, 272)


class Page(HTMLParser):
    """Elements of a page, the texts in them, and whether tags are in order."""

    def __init__(self, source):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, tag, **attributes):
        return [
            e
            for e in self.elements
            if e["tag"] == tag and attributes.items() <= e.items()
        ]

    def one(self, tag, **attributes):
        (element,) = self.all(tag, **attributes)
        return element

    @property
    def text(self):
        return " ".join(self.one("body")["text"].split())

    @property
    def data(self):
        return json.loads(self.one("script", id="data")["text"])


def page_of(viewed):
    return Page(render_page(viewed))


def decode(uri):
    kind, content = uri.split(",", 1)
    assert kind == "data:image/png;base64"
    return Picture.open(io.BytesIO(b64decode(content)))


@pytest.fixture(scope="module")
def atoms_and_view():
    atoms, counts = lattice(LARGE)
    return atoms, look(counts, noise=trained_range())


@pytest.fixture(scope="module")
def page(atoms_and_view):
    return page_of(atoms_and_view[1])


def test_page_holds_all_it_needs(page):
    for element in page.elements:
        for name in ("src", "href", "data", "action"):
            assert element.get(name, "data:").startswith(("data:", "#"))
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["content"].startswith("default-src 'none'; img-src data:;")
    styles = page.one("style")["text"]
    assert "@import" not in styles
    assert "url(" not in styles


def test_page_is_accessible(page):
    assert page.one("html")["lang"] == "en"
    ids = [element["id"] for element in page.elements if "id" in element]
    assert len(ids) == len(set(ids))
    for element in page.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(element.get(name, "").split()) <= set(ids)
    assert all(image["alt"] for image in page.all("img"))
    for button in page.all("button"):
        assert button.get("aria-label") or button["text"].strip()
    labelled = "".join(label["text"] for label in page.all("label"))
    assert all(word in labelled for word in ("Right of the divider", "Atoms"))
    for tag in ("main", "header", "footer", "h1"):
        page.one(tag)
    for region in page.all("section"):
        assert region["aria-labelledby"]
    slider = page.one("div", role="slider")
    assert (slider["tabindex"], slider["aria-valuenow"]) == ("0", "50")
    # Whatever can be panned can be reached by the keyboard.
    views = [e for e in page.all("div") if e.get("class") == "view"]
    assert len(views) == 8
    assert all(e["tabindex"] == "0" and e["aria-labelledby"] for e in views)
    assert all(e.get("scope") for e in page.all("th"))


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast(scheme):
    style = files("sfin.view").joinpath("page/page.css").read_text("utf-8")
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    colours = dict(re.findall(r"--([\w-]+): (#\w{6});", light))
    if scheme == "dark":
        colours |= dict(re.findall(r"--([\w-]+): (#\w{6});", dark))
    grounds = {"text": ("ground", "surface", "doubt-ground", "clear-ground")}
    grounds["faint"] = grounds["text"]
    grounds |= {"accent": ("ground", "surface"), "doubt": ("ground", "doubt-ground")}
    grounds |= {"clear": ("ground", "clear-ground")}
    for text, below in grounds.items():
        for ground in below:
            pair = sorted(luminance(colours[name]) for name in (text, ground))
            assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5, (text, ground)


def test_pictures_are_those_of_the_image(atoms_and_view, page):
    trust = atoms_and_view[1].trust
    check = trust.check
    low, high = contrast_limits(check.opened.grey)
    expected = np.clip((check.opened.grey - low) * 255.0 / (high - low), 0, 255)
    sources = {e["data-key"]: None for e in page.all("figure") if "data-key" in e}
    images = [e for e in page.all("img") if "src" in e]
    pictures = {
        key: decode(image["src"]) for key, image in zip(sources, images, strict=True)
    }
    assert pictures["input"].mode == "L"
    shown = np.asarray(pictures["input"], np.float64)
    assert shown.shape == LARGE
    np.testing.assert_allclose(shown, expected, atol=0.51)
    # White is nothing left over; red is more than was explained.
    left = trust.parts.residual
    residual = np.asarray(pictures["residual"].convert("RGB"), int)
    red, _, blue = residual[np.unravel_index(left.argmax(), left.shape)]
    assert red > blue + 50
    red, _, blue = residual[np.unravel_index(left.argmin(), left.shape)]
    assert blue > red + 50


def test_atoms_are_listed_where_they_are(atoms_and_view, page):
    (x, y), viewed = atoms_and_view
    found = np.array(page.data["atoms"])
    assert len(found) == len(x)
    distance = np.hypot(found[:, :1] - x, found[:, 1:2] - y).min(axis=1)
    assert distance.max() < 0.5
    assert page.data["pixelSize"] == PIXEL_SIZE
    assert f"{len(x)} atoms, found in the input by the network" in page.text
    assert ((found[:, 3] > 0.2) & (found[:, 3] <= 0.9)).all()
    maxima = viewed.trust.check.atoms
    assert len(page.data["unsupported"]) == (~maxima.supported).sum()
    # The other count that the page has, and says is another.
    assert f"of {len(maxima.row)} maxima of the enhanced image" in page.text
    assert f"something else, the {len(maxima.row)} maxima of the" in page.text


def test_noise_report_has_errors_and_flags(atoms_and_view):
    _, counts = lattice(LARGE)
    beyond = trained_range(pointwise_shape=-40.0)
    page = page_of(look(counts, noise=beyond))
    rows = [e for e in page.all("tr") if e.get("class") == "beyond"]
    assert [row["text"].split(",")[0].strip() for row in rows] == ["Pointwise noise"]
    assert "One patch of 256 × 256 pixels" in page.text
    assert "±" not in page.text
    record = atoms_and_view[1].noise
    (patch,) = record.patches
    for name in ("background_brightness", "pointwise_intercept"):
        value = getattr(patch.parameters, name)
        error = getattr(patch.standard_errors, name)
        assert f"{value:z.1f} {error:.1f}" in page.text.replace("−", "-")
    assert "✗ fails" not in page.text
    assert "✓ passes" in page.text


def test_training_data_are_those_of_the_trust_pack():
    _, counts = lattice(LARGE)
    factors = {"noise_factor": [0.3, 2.2], "brightness_factor": [0.35, 1.0]}
    viewed = look(counts, noise=trained_range(), data=factors)
    page = page_of(viewed)
    known = trust_numbers(viewed.trust)["noise"]
    assert known["pointwise_intercept"]["trained_on"][1] == pytest.approx(2.2 * 511)
    rows = noise_rows(viewed.noise, None)
    assert [row.trained for row in rows] == ["–"] * len(known)
    text = page.text.replace("−", "-")
    names = (*PARAMETERS, "deviation_at_half_brightness")
    for row, name in zip(rows, names, strict=True):
        digits = 1 if row.unit == "grey levels" else 3
        low, high = (f"{end:.{digits}f}" for end in known[name]["trained_on"])
        cells = f"{row.name} {row.value} {row.error} {low} to {high}"
        assert cells.replace("−", "-") in text
    # The verdict's own range is found in the table.
    low, high = known["deviation_at_half_brightness"]["trained_on"]
    assert f"trained on {low:.1f}–{high:.1f}" in page.text
    assert "times the factors that the synthesis draws" in page.text


def test_verdict_comes_first_and_doubts_before_the_rest():
    _, counts = lattice(LARGE)
    viewed = look(np.clip(counts, 480, None), noise=trained_range())
    page = page_of(viewed)
    verdict = page.one("section", id="verdict")
    assert verdict["class"] == "doubtful"
    assert verdict["text"].split("Doubt: ")[1].startswith("The image is not as a")
    assert "saturated" in verdict["text"]
    for finding in viewed.trust.verdict():
        assert finding.sentence in verdict["text"]
    assert any("fails" in e["text"] for e in page.all("tr", **{"class": "fails"}))
    assert "not for quantification" in verdict["text"]


def test_whiteness_and_other_scores_are_shown(atoms_and_view, page):
    trust = atoms_and_view[1].trust
    score = f"{trust.whiteness.score:.2f}"
    assert f"Residual, whiteness {score}" in page.text
    units = [e["text"] for e in page.all("span", **{"class": "unit"})]
    assert units == [" grey levels", " grey levels", " log₁₀"]
    assert f"Whiteness {score} at least" in page.text
    assert f"Atoms lost {len(trust.lost[0])} 0 " in page.text
    assert len(page.data["lost"]) == len(trust.lost[0])


def test_what_is_missing_is_told():
    _, counts = lattice((80, 96))
    page = page_of(look(counts, detector=LACKING, pixel_size=None))
    assert page.data["atoms"] == []
    assert page.data["pixelSize"] is None
    assert f"Not looked for: {LACKING}" in page.text
    assert "Not calibrated: The image is 80 × 96 pixels, smaller" in page.text
    assert "Unknown: The noise was not calibrated: The image is 80" in page.text
    assert "unknown: scale bars count pixels" in page.text
    assert not page.all("input", id="show-atoms")


def test_names_are_no_code():
    _, counts = lattice((64, 64))
    source = render_page(look(counts, "<script>alert(1)</script>", detector=LACKING))
    page = Page(source)
    assert "<script>alert" not in source
    assert page.one("h1")["text"] == "<script>alert(1)</script>"


def test_large_images_are_binned():
    assert [binning((rows, 2048)) for rows in (10, 2048, 2049)] == [1, 1, 2]
    image = np.arange(40 * 4099, dtype=np.float32).reshape(40, 4099)
    pane = image_pane("input", "Input", "An image.", image, (0, image.max()))
    assert (pane.width, pane.height, pane.magnification) == (4101, 42, 3)
    assert decode(pane.source).size == (1367, 14)

    (x, _), counts = lattice((64, 2100))
    page = page_of(look(counts))
    assert "binned, 2 × 2 pixels as one" in page.text
    found = np.array(page.data["atoms"])
    assert found[:, 0].max() == pytest.approx(x.max(), abs=0.5)


def test_pictures_of_one_level_are_no_mistake():
    uri = data_uri(np.full((5, 6), 3.0), (3.0, 4.0))
    assert np.asarray(decode(uri)).max() == 0


@pytest.mark.parametrize(
    ("shape", "pixel_size"),
    [((90, 128), None), ((128, 128), 0.1), ((200, 1100), None), ((65, 91), 0.3)],
)
def test_frequencies_are_where_the_page_says(shape, pixel_size):
    rows, columns = shape
    right, down = 0.11, -0.07
    row, column = np.mgrid[:rows, :columns]
    wave = np.cos(2 * np.pi * (right * column + down * row))
    noise = np.random.default_rng(0).standard_normal(shape)
    counts = (100 * wave + 5 * noise).astype(np.float32)
    viewed = look(counts, detector=LACKING, pixel_size=pixel_size)
    spectra = spectrum_panes(viewed.trust)
    pane = spectra.panes[0]
    shown = np.asarray(decode(pane.source), int)
    units = np.array([pane.height, pane.width]) / shown.shape
    # Where the page says that the wave is, in pixels of the picture.
    expected = np.array([down, right]) * FREQUENCY_UNITS + spectra.zero[::-1]
    expected /= units
    start = expected.astype(int) - 4
    part = shown[start[0] :, start[1] :][:9, :9]
    bright = np.argwhere(part > 230)
    assert 0 < len(bright) < 40
    assert abs(bright.mean(axis=0) + 0.5 + start - expected).max() < 0.75


def test_same_image_makes_the_same_bytes(tmp_path):
    _, counts = lattice((64, 64))
    for name in ("first", "second"):
        write_page(tmp_path / f"{name}.html", look(counts))
    first, second = (path.read_bytes() for path in sorted(tmp_path.iterdir()))
    assert first == second
