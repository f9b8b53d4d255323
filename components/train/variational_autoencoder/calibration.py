"""After the training: noise for what is still missing, and what the latents do, both measured on held-out rows."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import fft

from components.common.tables import Columns, count_rows, read_batches
from components.common.telemetry import report_progress
from components.common.training import pick_device
from components.physics.mode_spectra import BandSums, resample_grid
from components.train.variational_autoencoder.inference import Reconstruction
from components.train.variational_autoencoder.network import divergence
from components.train.variational_autoencoder.noise import fit_noise, noise_bands
from components.train.variational_autoencoder.objective import INPUTS, TARGET

FloatArray = npt.NDArray[np.float64]

ROWS = 400
"""Training rows that are looked at: how noise depends on a dozen numbers is found from fewer."""

_DRAWS = 6
_ACTIVE = 0.01
"""Nats a cell, beyond those that cost nothing: from there on a latent is in use."""


def calibrate(model: Reconstruction, shown: Path, dataset: Path) -> Reconstruction:
    """Fit the noise, and record what the latents do.

    Parameters
    ----------
    model : Reconstruction
        Trained.
    shown : Path
        Table of what its networks are shown.
    dataset : Path
        Table of slices, with the same rows.
    """
    edges, sums = noise_bands(model.preparation.geometry)
    errors, spreads, totals, summary, held_out = [], [], [], [], []
    rng = np.random.default_rng(0)
    trained, rows = 0, count_rows(dataset)
    for prepared, initial in _rows(shown, dataset):
        if prepared["split"][0] == "train":
            trained += 1
            if trained > ROWS:
                continue
        inputs = {name: prepared[name] for name in INPUTS}
        answer = resample_grid(model.coarse_mean(inputs, model.network), model.preparation.geometry.shape)
        drawn = model.coarse_samples(inputs, _DRAWS, rng)
        centred = resample_grid(drawn - drawn.mean(axis=0), model.preparation.geometry.shape)
        errors.append(_power(sums, initial - answer)[0])
        totals.append(_power(sums, initial)[0])
        spreads.append(_power(sums, centred).sum(axis=0) / (_DRAWS - 1))
        summary.append(prepared["summary"][0])
        held_out.append(prepared["split"][0] == "validation")
        report_progress(len(errors), rows, "boxes calibrated on")
    error, spread, held = np.stack(errors), np.stack(spreads), np.array(held_out)
    noise = fit_noise(edges, np.maximum(error - spread, 0), np.stack(totals), np.stack(summary), held)
    record = {
        **model.record,
        "latents": _information(model, shown),
        "latent_share": _share(edges, error[held], spread[held]),
    }
    return dataclasses.replace(model, noise=noise, record=record)


def _rows(shown: Path, dataset: Path) -> Any:
    """Yield single rows of both tables that are not for testing."""
    pairs = zip(
        _single(shown, ["id", "split", *INPUTS]), _single(dataset, ["id", "split", "initial"]), strict=True
    )
    for prepared, original in pairs:
        assert prepared["id"][0] == original["id"][0]
        if prepared["split"][0] != "test":
            yield prepared, original["initial"]


def _single(table: Path, columns: list[str]) -> Any:
    for batch in read_batches(table, columns):
        for row in range(len(batch["id"])):
            yield {name: values[row : row + 1] for name, values in batch.items()}


def _power(sums: BandSums, fields: npt.NDArray[np.floating]) -> FloatArray:
    """Mean squared amplitude in each band, shape (fields, bands)."""
    modes = fft.rfftn(fields, axes=(-3, -2, -1))
    size = float(np.prod(fields.shape[-3:]))
    return sums.of(np.abs(modes) ** 2 / size) / np.maximum(sums.modes, 1)


@torch.no_grad()
def _information(model: Reconstruction, shown: Path) -> list[dict[str, Any]]:
    """Divergence of each latent field from its prior once the initial field is known, on validation rows.

    One that holds no more than what was free in the training is as good as collapsed.
    """
    device = pick_device()
    network = model.network.to(device).eval()
    cells = []
    for batch in read_batches(shown, [*INPUTS, TARGET], "validation"):
        for start in range(0, len(batch[TARGET]), 8):
            tensors = _tensors(batch, slice(start, start + 8), device)
            prior = network.look(*(tensors[name] for name in INPUTS))
            nats = divergence(*network.recognise(prior, tensors[TARGET]), prior)
            cells.append(nats.flatten(2).cpu().numpy())
    every = np.concatenate(cells)
    per_cell = every.mean(axis=(0, 2))
    in_use = _ACTIVE + float(model.record["settings"]["free_nats"])
    return [
        {"nats_per_cell": float(value), "nats": float(value * every.shape[2]), "active": bool(value > in_use)}
        for value in per_cell
    ]


def _tensors(batch: Columns, rows: slice, device: torch.device) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(values[rows]).to(device) for name, values in batch.items()}


def _share(edges: list[float], error: FloatArray, spread: FloatArray) -> dict[str, Any]:
    """Share of the missing power that the latents spread, by band."""
    missing = error.mean(axis=0)
    share = np.minimum(spread.mean(axis=0) / np.maximum(missing, 1e-12), 1)
    return {"edges": edges, "share": [float(s) if m > 0 else None for s, m in zip(share, missing, strict=True)]}
