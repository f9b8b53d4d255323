"""A store that the stage finds by its environment, and a kind of model that is quick to make."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from lookup import LOOKUP, Run

from components.common.store import Store
from components.promote.champion import kinds


@pytest.fixture
def configured(weed: Mapping[str, str], store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Give the store of the test, which the environment names."""
    for name, value in {**weed, "ARMILLARY_BUCKET": store.bucket}.items():
        monkeypatch.setenv(name, value)
    return store


@pytest.fixture
def make_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Run]:
    """Make the folders of runs whose models add noise."""
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, ("lookup", "redshift"): LOOKUP})
    monkeypatch.setattr("components.promote.champion.trial.KINDS", kinds.KINDS)

    def make(noise: float, seed: int = 1, **more: Any) -> Run:
        return Run(tmp_path / uuid.uuid4().hex, noise, seed, **more)

    return make
