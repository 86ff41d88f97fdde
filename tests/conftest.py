import os
import shutil
import signal

import numpy as np
import pytest

# A shell lets what it starts in the background ignore Ctrl-C, and all that starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def chromium():
    """Start a browser without a window, and write down what it says and fetches."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="no selenium here")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        pytest.skip("no chromium here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    arguments = ["--headless=new", "--disable-dev-shm-usage", "--window-size=1300,1500"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    for argument in arguments:
        options.add_argument(argument)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()
