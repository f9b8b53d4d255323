"""The browser tests need chromium. Asked for by name they fail without it, else they are left out, aloud."""

import shutil
import warnings

import pytest

INSTALL = "apt-get install -y --no-install-recommends chromium fonts-dejavu-core"


def find_chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser")


def pytest_collection_modifyitems(config, items):
    asked = "browser" in config.option.markexpr or any(
        "browser" in argument for argument in config.invocation_params.args
    )
    if asked or find_chromium():
        return
    browser = [item for item in items if item.get_closest_marker("browser")]
    config.hook.pytest_deselected(items=browser)
    items[:] = [item for item in items if item not in browser]
    warnings.warn(
        pytest.PytestWarning(
            f"{len(browser)} browser tests were left out, as there is no chromium here. To run them: {INSTALL}"
        ),
        stacklevel=1,
    )


@pytest.fixture(scope="session")
def chromium():
    from devtools import Chromium

    executable = find_chromium()
    if executable is None:
        pytest.fail(f"There is no chromium on this machine. Install it: {INSTALL}", pytrace=False)
    with Chromium(executable) as browser:
        yield browser
