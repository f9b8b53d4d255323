"""What tests share: the real files, an archive on loopback, and a real object store."""

import os
import re
import signal
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import buckets
import pytest
from hypothesis import HealthCheck, settings
from loopback import LoopbackArchive, lay_out_sdss, serve
from monitoring import Prometheus, Pushgateway, run_prometheus, run_pushgateway

_CHECKOUT = Path(__file__).resolve().parent.parent

# Examples are the same everywhere, and none is too slow on a machine that does something else besides.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")

# Nothing else that a shell says of runs, stores, proxies or terminals shall decide a test.
_OWN = ("ARMILLARY_HOME", "ARMILLARY_REAL_DATA", "ARMILLARY_SCREENSHOTS", "ARMILLARY_TEST_NAMESPACE")
_FOREIGN = re.compile(r"(ARMILLARY|AWS)_.*|(FORCE|NO)_COLOR|CLICOLOR.*|COLUMNS|LINES|(all|http|https)_proxy", re.I)
for _name in [name for name in os.environ if _FOREIGN.fullmatch(name) and name not in _OWN]:
    del os.environ[_name]
os.environ["COLUMNS"] = "80"  # as in a pipe: else programs ask the terminal that pytest runs in

# What a shell starts in the background ignores Ctrl-C, and so do its children: tests send it to some of theirs.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real survey files; see its README."""
    folder = Path(os.environ.get("ARMILLARY_REAL_DATA", _CHECKOUT.parent / "shared" / "real"))
    if not folder.is_dir():
        pytest.skip(
            f"There are no real survey files at {folder}: set ARMILLARY_REAL_DATA to the folder that has them."
        )
    return folder.resolve()


@pytest.fixture
def archive_server(tmp_path: Path) -> Iterator[LoopbackArchive]:
    """Serve an empty folder, to be filled by the test; misbehaves as scripted."""
    root = tmp_path / "archive-root"
    root.mkdir()
    with serve(root) as archive:
        yield archive


@pytest.fixture
def sdss_server(archive_server: LoopbackArchive, real_data: Path) -> LoopbackArchive:
    """Serve the real spectra in the layout of the SDSS archive; `url` stands for https://data.sdss.org/sas."""
    lay_out_sdss(real_data, archive_server.root)
    return archive_server


@pytest.fixture(scope="session")
def weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Run a real SeaweedFS on loopback for the session; its value is the environment to reach it."""
    from pipelines.embedded_store import embedded_store

    with embedded_store(tmp_path_factory.mktemp("weed")) as environment:
        yield environment


@pytest.fixture
def store(weed: Mapping[str, str]):  # type: ignore[no-untyped-def]
    """Give a store with an empty bucket of the test's own."""
    from components.common.store import Store

    store = Store.from_environment({**weed, "ARMILLARY_BUCKET": f"test-{uuid.uuid4().hex[:12]}"})
    yield store
    buckets.remove(store)


@pytest.fixture
def pushgateway(tmp_path: Path) -> Iterator[Pushgateway]:
    """Run a real Pushgateway on loopback for one test."""
    with run_pushgateway(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def prometheus(tmp_path: Path, pushgateway: Pushgateway) -> Iterator[Prometheus]:
    """Run a real Prometheus that scrapes the test's Pushgateway every second."""
    with run_prometheus(tmp_path, pushgateway.url) as server:
        yield server


# Some hundred objects and a model of them, made once for all tests that look at either. What makes them is
# imported only then: torch and scikit-learn take seconds, and most files of tests need neither.


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `raw`, as ingested, and `data`, prepared."""
    from galaxy_pictures import make_pictures

    return make_pictures(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="session")
def picture_model(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model folder."""
    from galaxy_pictures import make_picture_model

    return make_picture_model(pictures, tmp_path_factory.mktemp("picture-model") / "model")


@pytest.fixture(scope="session")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `raw`, as ingested, and `data`, prepared."""
    from galaxy_regressors import make_galaxies

    return make_galaxies(tmp_path_factory.mktemp("galaxies"))


@pytest.fixture(scope="session")
def regressors(galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `models`, and with the `best` of them."""
    from galaxy_regressors import make_regressors

    return make_regressors(galaxies, tmp_path_factory.mktemp("regressors"))


@pytest.fixture(scope="session")
def universes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with `raw`, as ingested, and `data`, cut into slices."""
    from small_universes import make_universes

    return make_universes(tmp_path_factory.mktemp("universes"))


@pytest.fixture(scope="session")
def reconstruction_model(universes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a model folder."""
    from small_universes import make_reconstruction_model

    return make_reconstruction_model(universes, tmp_path_factory.mktemp("reconstruction-model") / "model")
