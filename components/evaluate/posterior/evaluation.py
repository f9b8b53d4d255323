"""The evaluate stage for posteriors of parameters from maps."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.scores import INTERVAL_LEVEL, Score, score, to_json
from components.common.tables import (
    column,
    count_rows,
    read_batches,
    read_provenance,
    read_table,
    tensor_column,
    write_table,
)
from components.common.telemetry import stage
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.posterior.baselines import PRIOR, SPECTRUM, Baselines
from components.evaluate.posterior.external import try_files
from components.evaluate.posterior.importance import measure_importance
from components.evaluate.posterior.measuring import (
    answer,
    cosmology_of,
    join,
    learn_baselines,
    look,
    looked_at,
    names_of,
)
from components.evaluate.posterior.outcome import External, Outcome, Sample
from components.evaluate.posterior.scores import HEADLINE, SCORES, Chance, Posterior, chance_correlation
from components.evaluate.settings import Settings
from components.evaluate.training_section import read_history
from components.physics.multifield import PARAMETERS

if TYPE_CHECKING:
    from components.train.moment_network.inference import MomentModel

__all__ = ["Settings", "evaluate"]

_COLUMNS = ("id", "phases", "suite", "set", "maps", *PARAMETERS)
_RESAMPLES_OF_FIELDS = 200
_UNIVERSES_FOR_FIELDS = 100
_FIELDS = (
    column("id", "string", "name of the map"),
    column("phases", "string", "universe: what is split and resampled as a whole"),
    column("trained_on", "bool", "whether its suite and set were trained on"),
    tensor_column(
        "truth", (len(PARAMETERS),), f"{', '.join(PARAMETERS)}; logarithms of feedback", dtype="float64"
    ),
    tensor_column("mean", (len(PARAMETERS),), "of the posterior", dtype="float64"),
    tensor_column("width", (len(PARAMETERS),), "its standard deviation", dtype="float64"),
    tensor_column("reference", (2,), "omega_m and sigma_8 by power spectra", dtype="float64"),
)


def evaluate(dataset: Path, model: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Evaluate posteriors of test maps.

    Parameters
    ----------
    dataset : Path
        Folder that preprocess wrote.
    model : Path
        Folder that train wrote.
    output : Path
        Folder for `metrics.json`, `predictions.parquet` and `report.html`.
    settings : Settings
        How to evaluate.

    Returns
    -------
    dict
        What `metrics.json` holds.
    """
    from components.evaluate.posterior.report import write_report  # matplotlib is slow to import
    from components.train.moment_network.inference import load_model  # and so is torch

    with stage("evaluate", output):
        table = dataset / "dataset.parquet"
        network = load_model(model)
        outcome, every = judge(table, network, settings)
        own, marginal = (read_history(model / f"{name}.json") for name in ("history", "history_marginal"))
        outcome = dataclasses.replace(outcome, history=own, history_marginal=marginal)
        output.mkdir(parents=True, exist_ok=True)
        _write_predictions(output / "predictions.parquet", outcome, every, network)
        write_report(output / "report.html", outcome, settings.title, settings.slug)
        return publish_metrics(output, gather(outcome), count_rows(table), len(outcome.sample))


def judge(table: Path, model: "MomentModel", settings: Settings) -> tuple[Outcome, Sample]:
    """Apply everything, and score it; also return all test maps, those of other suites too."""
    stored = model.preprocess_settings
    few = _choose(table, stored, settings.seed)
    baselines = learn_baselines(table, stored, settings.seed)
    applied = _apply(table, model, baselines, few.rows)
    own = trained_on(applied.every.names, stored)
    sample, others = applied.every[np.flatnonzero(own)], applied.every[np.flatnonzero(~own)]
    posterior, groups = sample.posterior, sample.groups
    beside = {
        name: _scored(as_posterior(values, posterior), groups, settings)
        for name, values in sample.baselines.items()
    }
    chance = chance_correlation(posterior, groups, settings.seed)
    asked = few.of(few.asked)
    importance = measure_importance(
        lambda one, shown, known: model.predict(one, shown, known).mean,
        applied.maps[asked],
        applied.summaries[asked],
        cosmology_of(applied.every.posterior)[few.asked],
        applied.every.groups[few.asked],
        model.fields,
        min(settings.bootstrap, _RESAMPLES_OF_FIELDS),
        settings.seed,
    )
    external = None
    if settings.external:
        provenance, tried = try_files(Path(settings.external), model, baselines, stored, _learnt(table))
        found = _scored(tried.posterior, tried.groups, settings)
        external = External(provenance, tried, found, _by_suite(tried, settings))
    return Outcome(
        read_provenance(table),
        model.fields,
        sample,
        _with_baselines(_scored(posterior, groups, settings), beside, chance),
        _scored(sample.single, groups, settings),
        beside,
        chance,
        {} if applied.marginal is None else _scored(applied.marginal[np.flatnonzero(own)], groups, settings),
        _by_suite(others, settings),
        importance,
        look(model, applied.maps[few.of(few.looked_at)], str(applied.every.ids[few.looked_at[0]])),
        model.invariance,
        external,
    ), applied.every


@dataclass(frozen=True, eq=False)
class _Few:
    """Rows of the test maps that are asked more of than one answer: all others are let go once they are scored.

    Attributes
    ----------
    asked : ndarray of int
        Of at most a hundred universes, which the network is asked of dozens of times.
    looked_at : ndarray of int
        On which it is found out where the network looks.
    """

    asked: npt.NDArray[np.int64]
    looked_at: npt.NDArray[np.int64]

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """All of them, ascending."""
        return np.union1d(self.asked, self.looked_at)

    def of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Places of some of them among all."""
        return np.searchsorted(self.rows, rows)


def _choose(table: Path, stored: dict[str, Any], seed: int) -> _Few:
    """Choose among the test maps of suites and sets that were trained on."""
    there = read_table(table, ["phases", "suite", "set"], "test")
    if not len(there["phases"]):
        raise InputError(f"{table} has no test maps.", "Give more simulations, or a larger test_fraction.")
    own = np.flatnonzero(trained_on(names_of(there), stored))
    if not len(own):
        raise InputError(
            f"{table} has no test maps of the suites and sets that were trained on.",
            "Give more simulations, or a larger test_fraction.",
        )
    groups = there["phases"][own].astype(np.str_)
    chosen = np.random.default_rng(seed).permutation(np.unique(groups))[:_UNIVERSES_FOR_FIELDS]
    return _Few(own[np.isin(groups, chosen)], own[looked_at(len(own))])


def _learnt(table: Path) -> set[str]:
    """Name the universes that training and its choices have seen."""
    there = read_table(table, ["phases", "split"])
    return {str(name) for name in np.unique(there["phases"][there["split"] != "test"].astype(np.str_))}


@dataclass(frozen=True, eq=False)
class _Applied:
    """What is said of all test maps, by the network without independence too where there is one; a few maps."""

    every: Sample
    marginal: Posterior | None
    maps: npt.NDArray[Any]
    summaries: npt.NDArray[np.float32]


def _apply(table: Path, model: "MomentModel", baselines: Baselines, kept: npt.NDArray[np.int64]) -> _Applied:
    """Apply network and baselines to all test maps, some at a time."""
    parts, plain, maps, sums, done = [], [], [], [], 0
    for batch in read_batches(table, list(_COLUMNS), "test"):
        known = model.sum_up(batch["maps"])
        sample = answer(batch, known, model, baselines, model.preprocess_settings)
        parts.append(sample)
        if model.marginal is not None:
            moments = model.marginal.predict(batch["maps"], None, known)
            own = sample.posterior
            plain.append(Posterior(own.truth, moments.mean, moments.width, own.reference))
        here = kept[(kept >= done) & (kept < done + len(sample))] - done
        maps.append(batch["maps"][here])
        sums.append(known[here])
        done += len(sample)
    return _Applied(
        join(parts), Posterior.joined(plain) if plain else None, np.concatenate(maps), np.concatenate(sums)
    )


def _scored(posterior: Posterior, groups: npt.NDArray[Any], settings: Settings) -> dict[str, Score]:
    """Score what has a score: where no feedback is known, nothing depends on it."""
    found = score(SCORES, posterior, groups, settings.bootstrap, settings.seed)
    return {name: value for name, value in found.items() if np.isfinite(value.value)}


def _by_suite(sample: Sample, settings: Settings) -> dict[str, dict[str, Score]]:
    """Score maps by suite and set."""
    each = {str(name): np.flatnonzero(sample.names == name) for name in sorted(set(sample.names))}
    return {name: _scored(sample.posterior[rows], sample.groups[rows], settings) for name, rows in each.items()}


def trained_on(names: npt.NDArray[Any], stored: dict[str, Any]) -> npt.NDArray[np.bool_]:
    """Say which of these are names of suites and sets that were trained on."""
    chosen = stored.get("trained_on", {})
    suites, sets = (np.array([str(name).split(" ")[place] for name in names]) for place in (0, 1))
    own = np.ones(len(names), dtype=bool)
    for there, wanted in ((suites, chosen.get("train_suites")), (sets, chosen.get("train_sets"))):
        if wanted:
            own &= np.isin(there, wanted)
    return own


def as_posterior(cosmology: Any, posterior: Posterior) -> Posterior:
    """Wrap a method that says omega_m and sigma_8 alone; its widths are its rms errors."""
    mean = posterior.truth.copy()
    mean[:, :2] = cosmology
    width = np.ones_like(mean)
    width[:, :2] = np.sqrt(((cosmology - posterior.truth[:, :2]) ** 2).mean(axis=0))
    return Posterior(posterior.truth, mean, width, posterior.reference)


def _with_baselines(
    own: dict[str, Score], others: dict[str, dict[str, Score]], chance: Chance | None
) -> dict[str, Score]:
    """Give rms errors and the like beside the prior's, and correlations beside those by chance."""
    beside = {
        name: value.value for name, value in others[PRIOR].items() if name.endswith(("_rms", "_error", "_r2"))
    }
    beside |= {"rms_over_power_spectrum": others[PRIOR]["rms_over_power_spectrum"].value}
    beside |= {} if chance is None else {"feedback_correlation": chance.mean}
    return {name: dataclasses.replace(value, baseline=beside.get(name)) for name, value in own.items()}


def gather(outcome: Outcome) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    sample, external = outcome.sample, outcome.external
    importance = outcome.importance
    return {
        "origin": outcome.provenance.origin,
        "target": "parameters",
        "headline": HEADLINE,
        "interval": INTERVAL_LEVEL,
        "rows": {"test": len(sample), "universes": int(np.unique(sample.groups.astype(str)).size)},
        "scores": to_json(outcome.scores),
        "baselines": {name: to_json(found) for name, found in outcome.baselines.items()},
        "external": {} if external is None else to_json(external.scores),
        "external_baselines": {},
        "external_by_suite": {} if external is None else {n: to_json(s) for n, s in external.by_suite.items()},
        "first_field": to_json(outcome.single_scores),
        "marginal": to_json(outcome.marginal),
        "cost_of_invariance": outcome.cost,
        "feedback_correlation_by_chance": None if outcome.chance is None else dataclasses.asdict(outcome.chance),
        "elsewhere": {name: to_json(found) for name, found in outcome.elsewhere.items()},
        "fields": {
            "names": list(importance.fields),
            "values": {name: values.tolist() for name, values in importance.values.items()},
            "agreement": {" and ".join(pair): tau for pair, tau in importance.agreement.items()},
        },
        "places": {name: list(shares) for name, shares in outcome.look.shares.items()},
        "power_spectrum": SPECTRUM,
        "provenance": dataclasses.asdict(outcome.provenance),
    }


def _write_predictions(path: Path, outcome: Outcome, every: Sample, model: "MomentModel") -> None:
    posterior = every.posterior
    own = trained_on(every.names, model.preprocess_settings)
    columns = {"id": every.ids, "phases": every.groups, "trained_on": own}
    columns |= {name: getattr(posterior, name) for name in ("truth", "mean", "width", "reference")}
    write_table(path, _FIELDS, columns, outcome.provenance)
