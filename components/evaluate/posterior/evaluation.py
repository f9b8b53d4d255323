"""The evaluate stage for posteriors of parameters from maps."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.scores import INTERVAL_LEVEL, Score, score, to_json
from components.common.tables import column, count_rows, read_batches, read_provenance, tensor_column, write_table
from components.common.telemetry import stage
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.posterior.baselines import PRIOR, SPECTRUM
from components.evaluate.posterior.external import try_files
from components.evaluate.posterior.importance import measure_importance
from components.evaluate.posterior.measuring import answer, cosmology_of, join, learn_baselines, look
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
    baselines = learn_baselines(table, stored, settings.seed)
    parts, maps, sums = [], [], []
    for batch in read_batches(table, list(_COLUMNS), "test"):
        maps.append(batch["maps"])
        sums.append(model.sum_up(batch["maps"]))
        parts.append(answer(batch, sums[-1], model, baselines, stored))
    if not parts:
        raise InputError(f"{table} has no test maps.", "Give more simulations, or a larger test_fraction.")
    every, data, summaries = join(parts), np.concatenate(maps), np.concatenate(sums)
    own = trained_on(every, stored)
    if not own.any():
        raise InputError(
            f"{table} has no test maps of the suites and sets that were trained on.",
            "Give more simulations, or a larger test_fraction.",
        )
    sample, data, summaries = every[np.flatnonzero(own)], data[own], summaries[own]
    posterior, groups = sample.posterior, sample.groups

    def scored(one: Posterior, names: Any = groups) -> dict[str, Score]:
        found = score(SCORES, one, names, settings.bootstrap, settings.seed)
        return {name: value for name, value in found.items() if np.isfinite(value.value)}

    others = {name: scored(as_posterior(values, posterior)) for name, values in sample.baselines.items()}
    chance = chance_correlation(posterior, groups, settings.seed)
    elsewhere = {}
    for name in sorted(set(every.names[~own])):
        rows = np.flatnonzero(every.names == name)
        elsewhere[str(name)] = scored(every.posterior[rows], every.groups[rows])
    marginal = {}
    if model.marginal is not None:
        moments = model.marginal.predict(data, None, summaries)
        marginal = scored(Posterior(posterior.truth, moments.mean, moments.width, posterior.reference))
    some = _some_universes(groups, settings.seed)
    importance = measure_importance(
        lambda one, shown, known: model.predict(one, shown, known).mean,
        data[some],
        summaries[some],
        cosmology_of(posterior)[some],
        groups[some],
        model.fields,
        min(settings.bootstrap, _RESAMPLES_OF_FIELDS),
        settings.seed,
    )
    external = None
    if settings.external:
        provenance, tried = try_files(Path(settings.external), model, baselines, stored)
        external = External(provenance, tried, scored(tried.posterior, tried.groups))
    return Outcome(
        read_provenance(table),
        model.fields,
        sample,
        _with_baselines(scored(posterior), others, chance),
        scored(sample.single),
        others,
        chance,
        marginal,
        elsewhere,
        importance,
        look(model, data, sample.ids),
        model.invariance,
        external,
    ), every


def _some_universes(groups: npt.NDArray[Any], seed: int) -> npt.NDArray[np.intp]:
    """Rows of at most a hundred universes, for what asks the network dozens of times."""
    names = np.unique(groups.astype(np.str_))
    chosen = np.random.default_rng(seed).permutation(names)[:_UNIVERSES_FOR_FIELDS]
    return np.flatnonzero(np.isin(groups.astype(np.str_), chosen))


def trained_on(sample: Sample, stored: dict[str, Any]) -> Any:
    """Say which maps are of suites and sets that were trained on."""
    chosen = stored.get("trained_on", {})
    suites, sets = (np.array([str(name).split(" ")[place] for name in sample.names]) for place in (0, 1))
    own = np.ones(len(sample), dtype=bool)
    for names, wanted in ((suites, chosen.get("train_suites")), (sets, chosen.get("train_sets"))):
        if wanted:
            own &= np.isin(names, wanted)
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
    columns = {"id": every.ids, "phases": every.groups, "trained_on": trained_on(every, model.preprocess_settings)}
    columns |= {name: getattr(posterior, name) for name in ("truth", "mean", "width", "reference")}
    write_table(path, _FIELDS, columns, outcome.provenance)
