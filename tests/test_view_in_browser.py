"""The page of an image in Chromium: zoom, pan, divider, atoms, and nothing fetched."""

import io
import json

import numpy as np
import pytest
from PIL import Image as Picture
from view_pages import PIXEL_SIZE, lattice, look, trained_range

from sfin.view.page import write_page

selenium = pytest.importorskip("selenium", reason="selenium is not installed")

from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.common.actions.wheel_input import ScrollOrigin  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.wait import WebDriverWait  # noqa: E402

# Of every pane of a group: which part of its picture is seen, and how large a unit is.
PLACES = """
return [...document.querySelectorAll(`.view[data-group="${arguments[0]}"]`)].map(
  (view) => {
    const pane = view.getBoundingClientRect();
    const box = view.querySelector(".layer").getBoundingClientRect();
    return [
      (pane.left + pane.width / 2 - box.left) / box.width,
      (pane.top + pane.height / 2 - box.top) / box.height,
      box.width / pane.width,
      box.width / view.querySelector(".layer").dataset.width,
    ];
  });
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    (x, y), counts = lattice((256, 256))
    path = tmp_path_factory.mktemp("page") / "an image.html"
    write_page(path, look(counts, noise=trained_range()))
    return path.as_uri(), (x, y)


@pytest.fixture
def browser(chromium, page):
    chromium.get(page[0])
    WebDriverWait(chromium, 20).until(lambda _: places(chromium)[0][2] > 0)
    settle(chromium)
    return chromium


def settle(browser):
    """Wait until all that was asked for is drawn."""
    browser.execute_async_script(
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => done()));"
    )


def places(browser, group="image"):
    return np.array(browser.execute_script(PLACES, group))


def one(browser, selector):
    return browser.find_element(By.CSS_SELECTOR, selector)


def wheel(browser, view, turned, across=0, down=0):
    origin = ScrollOrigin.from_element(view, across, down)
    ActionChains(browser).scroll_from_origin(origin, 0, turned).perform()
    settle(browser)


def picture_of(browser, selector):
    png = one(browser, selector).screenshot_as_png
    return np.asarray(Picture.open(io.BytesIO(png)).convert("L"), float)


def divider_at(browser):
    return int(one(browser, ".divider").get_attribute("aria-valuenow"))


def test_page_opens_from_disk_and_fetches_nothing(browser, page):
    browser.get_log("performance"), browser.get_log("browser")
    browser.get(page[0])
    settle(browser)
    messages = [
        json.loads(entry["message"])["message"]
        for entry in browser.get_log("performance")
    ]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert page[0] in asked
    assert all(url == page[0] or url.startswith("data:") for url in asked)
    assert browser.get_log("browser") == []
    loaded = browser.execute_script(
        "return [...document.images].map((i) => [i.complete, i.naturalWidth])"
    )
    assert len(loaded) == 9
    assert all(complete and width > 0 for complete, width in loaded)


def test_wheel_zooms_all_images_alike_about_the_pointer(browser):
    spectra = places(browser, "spectrum")
    view = one(browser, '[data-key="input"] .view')
    before = picture_of(browser, '[data-key="uncertainty"] .view')
    for _ in range(2):
        wheel(browser, view, -240, 40, -30)
    now = places(browser)
    assert len(now) == 5
    np.testing.assert_allclose(now[:, :3], np.tile(now[0, :3], (5, 1)), atol=0.01)
    assert now[0, 2] == pytest.approx(4, rel=0.01)
    # What lay below the pointer still does.
    size = view.size["width"], view.size["height"]
    shift = np.array([40 / size[0], -30 / size[1]])
    np.testing.assert_allclose(0.5 + shift, now[0, :2] + shift / 4, atol=0.01)
    # The spectra are apart, and as they were.
    np.testing.assert_array_equal(places(browser, "spectrum"), spectra)
    after = picture_of(browser, '[data-key="uncertainty"] .view')
    assert np.abs(after - before).mean() > 3

    for _ in range(3):
        wheel(browser, view, 4000)
    np.testing.assert_allclose(places(browser)[:, 2], 1, atol=0.01)


def test_spectra_zoom_alike(browser):
    wheel(browser, one(browser, '[data-key="residual-spectrum"] .view'), -240)
    now = places(browser, "spectrum")
    assert len(now) == 3
    np.testing.assert_allclose(now[:, 2], 2, rtol=0.01)
    np.testing.assert_allclose(places(browser)[:, 2], 1, atol=0.01)


def test_dragging_moves_the_image_with_the_pointer(browser):
    view = one(browser, '[data-key="enhanced"] .view')
    wheel(browser, view, -480)
    start = places(browser)
    ActionChains(browser).drag_and_drop_by_offset(view, 30, -20).perform()
    settle(browser)
    now = places(browser)
    pixels = start[:, 2] * view.size["width"]
    number = list(np.argsort(now[:, 3])).index(1)
    moved = (start - now)[1:, :2] * pixels[1:, None]
    np.testing.assert_allclose(moved, np.tile([30, -20], (4, 1)), atol=1.5)
    np.testing.assert_allclose(now[:, :2], np.tile(now[number, :2], (5, 1)), atol=0.01)


def test_keys_and_buttons_zoom_move_and_reset(browser):
    view = one(browser, '[data-key="residual"] .view')
    view.send_keys("+++")
    settle(browser)
    zoomed = places(browser)
    np.testing.assert_allclose(zoomed[:, 2], 1.5**3, rtol=0.01)
    view.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    settle(browser)
    moved = places(browser) - zoomed
    np.testing.assert_allclose(moved[:, :2], 0.1 / 1.5**3, atol=0.005)
    one(browser, 'button[aria-label="Zoom in"]').click()
    settle(browser)
    np.testing.assert_allclose(places(browser)[:, 2], 2 * 1.5**3, rtol=0.01)
    one(browser, "#reset").click()
    settle(browser)
    now = places(browser)
    np.testing.assert_allclose(now[:, :3], np.tile([0.5, 0.5, 1], (5, 1)), atol=0.01)


def test_divider_moves_by_mouse_and_keys_and_shows_the_input(browser):
    one(browser, "#show-atoms").click()
    divider = one(browser, ".divider")
    view = one(browser, ".compare .view")
    halves = picture_of(browser, ".compare .view")
    ActionChains(browser).drag_and_drop_by_offset(
        divider, round(0.3 * view.size["width"]), 0
    ).perform()
    settle(browser)
    assert divider_at(browser) == pytest.approx(80, abs=1)
    # The image did not move with it.
    np.testing.assert_allclose(places(browser)[0, :3], [0.5, 0.5, 1], atol=0.01)
    moved = np.abs(picture_of(browser, ".compare .view") - halves)
    columns = moved.shape[1]
    uncovered = slice(int(0.55 * columns), int(0.75 * columns))
    assert moved[:, uncovered].mean() > 3
    assert moved[:, : int(0.45 * columns)].mean() < 1

    divider.send_keys(Keys.ARROW_LEFT, Keys.ARROW_LEFT)
    assert divider_at(browser) == 78
    divider.send_keys(Keys.PAGE_UP)
    assert divider_at(browser) == 88
    divider.send_keys(Keys.END, Keys.ARROW_RIGHT)
    assert divider_at(browser) == 100
    settle(browser)
    # All of the left picture, which is the input.
    whole = picture_of(browser, ".compare .view")
    side = picture_of(browser, '[data-key="input"] .view')
    assert abs(whole[20:-80, 20:-20].mean() - side[10:-40, 10:-10].mean()) < 6
    assert "100 % from the left" in divider.get_attribute("aria-valuetext")


def test_divider_moves_by_touch(browser):
    box = one(browser, ".divider .knob").rect
    scrolled = browser.execute_script("return [scrollX, scrollY]")
    x = box["x"] + box["width"] / 2 - scrolled[0]
    y = box["y"] + box["height"] / 2 - scrolled[1]
    if y > 700:
        browser.execute_script("scrollBy(0, 400)")
        y -= 400
    width = one(browser, ".compare .view").size["width"]

    def touch(kind, *points):
        browser.execute_cdp_cmd(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": px, "y": py} for px, py in points]},
        )

    touch("touchStart", (x, y))
    for share in (0.1, 0.2, 0.25):
        touch("touchMove", (x - share * width, y))
    touch("touchEnd")
    settle(browser)
    assert divider_at(browser) == pytest.approx(25, abs=1)


def test_atom_that_is_pointed_at_tells_its_coordinates(browser, page):
    (true_x, true_y) = (coordinates[37] for coordinates in page[1])
    view = one(browser, ".compare .view")
    scale = places(browser)[0, 3]
    middle = 128
    offset = [round((value + 0.5 - middle) * scale) for value in (true_x, true_y)]
    before = picture_of(browser, '[data-key="residual"] .view')
    ActionChains(browser).move_to_element_with_offset(view, *offset).perform()
    settle(browser)
    tip = one(browser, ".tip")
    assert tip.is_displayed()
    lines = tip.text.splitlines()
    for line, name, value in zip(lines[1:3], "xy", (true_x, true_y), strict=True):
        letter, pixels, unit, angstrom, length = line.split()
        assert (letter, unit, length) == (name, "px", "Å")
        assert float(pixels) == pytest.approx(value, abs=0.5)
        assert float(angstrom) == pytest.approx(float(pixels) * PIXEL_SIZE, abs=0.011)
    assert lines[3].startswith("amplitude 0.")
    assert lines[4].startswith("confidence ")
    assert lines[4].endswith(" %")
    # The same atom is marked in the other images.
    after = picture_of(browser, '[data-key="residual"] .view')
    assert np.abs(after - before).max() > 30
    # Between four atoms there is none.
    ActionChains(browser).move_to_element_with_offset(
        view, offset[0] + round(8 * scale), offset[1] + round(8 * scale)
    ).perform()
    settle(browser)
    assert not tip.is_displayed()


def test_atoms_are_reached_by_keys_and_in_the_list(browser, page):
    view = one(browser, ".compare .view")
    view.send_keys("n")
    spoken = one(browser, "#atom")
    count = len(page[1][0])
    assert spoken.get_attribute("textContent").startswith(f"Atom 1 of {count}, x ")
    view.send_keys("np")
    assert spoken.get_attribute("textContent").startswith("Atom 1 of")
    one(browser, "#atom-list summary").click()
    settle(browser)
    rows = browser.find_elements(By.CSS_SELECTOR, "#atom-list tbody tr")
    assert len(rows) == count
    last = rows[-1].find_elements(By.TAG_NAME, "td")
    pixels, length = float(last[1].text), float(last[3].text)
    assert length == pytest.approx(pixels * PIXEL_SIZE, abs=0.011)
    browser.execute_script(
        "arguments[0].click()", rows[-1].find_element(By.TAG_NAME, "button")
    )
    settle(browser)
    assert places(browser)[0, 2] > 2
    assert f"Atom {count} of {count}" in one(browser, ".tip").text


def test_scale_bar_keeps_its_word(browser):
    def bar(selector):
        element = one(browser, f"{selector} .scale-bar")
        number, unit = element.text.split()
        length = browser.execute_script(
            "return arguments[0].getBoundingClientRect().width", element
        )
        return float(number) * {"nm": 10, "Å": 1, "Å⁻¹": 1}[unit], length

    view = one(browser, ".compare .view")
    lengths = []
    for turned in (0, -240, -480):
        wheel(browser, view, turned)
        size, length = bar(".compare")
        scale = places(browser)[0, 3]
        assert length == pytest.approx(size / PIXEL_SIZE * scale, rel=0.01)
        assert 30 < length <= view.size["width"] / 3 + 1
        lengths.append(size)
    assert lengths[0] > lengths[-1]
    size, length = bar('[data-key="input-spectrum"]')
    # From −2.5/Å to 2.5/Å at 0.2 Å per pixel, but no further than 1.5/Å.
    width = one(browser, '[data-key="input-spectrum"] .view').size["width"]
    assert length == pytest.approx(size / 3.0 * width, rel=0.02)


def test_marks_and_the_picture_at_the_right_can_be_chosen(browser):
    marked = picture_of(browser, ".compare .view")
    one(browser, "#show-atoms").click()
    settle(browser)
    bare = picture_of(browser, ".compare .view")
    assert np.abs(marked - bare).max() > 60
    one(browser, "#after option[value=residual]").click()
    settle(browser)
    chosen = np.abs(picture_of(browser, ".compare .view") - bare)
    half = bare.shape[1] // 2
    assert chosen[:, half + 30 :].mean() > 10
    assert chosen[:, : half - 30].mean() < 1
    label = one(browser, ".divider").get_attribute("aria-label")
    assert label == "Divider between input and residual"


def test_noise_is_seen_whole(browser):
    heights = browser.execute_script(
        "const box = document.querySelector('.scroll:has(caption)');"
        "return [box.scrollHeight, box.clientHeight];"
    )
    assert heights[0] == heights[1] > 100


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_windows_scroll_in_one_direction(browser, scheme):
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    size = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        settle(browser)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= 360
        ground = browser.execute_script(
            "return getComputedStyle(document.body).backgroundColor"
        )
        red = int(ground.removeprefix("rgb(").split(",")[0])
        assert (red > 200) == (scheme == "light")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
