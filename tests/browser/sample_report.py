"""A full report from numbers drawn at random: every kind of block and every diagram, as many as a real one."""

from pathlib import Path

import numpy as np

from components.common.figures import Figure
from components.common.provenance import Provenance
from components.common.report import Column, Headline, Report, Section, format_interval
from components.evaluate.regression import calibration_diagrams, diagrams, redshift_diagrams, spectrum_diagrams
from components.evaluate.regression.line_confusion import Streak, find_line_confusion
from components.evaluate.regression.redshift import ACCURACY_LIMITS_KM_S, velocity_km_s
from components.physics.spectral_lines import EMISSION_LINES

OBJECTS = 12_000
LIMITS = (0.0, 4.2)

SIMULATED = Provenance(
    "simulated",
    "random numbers in a test of this page",
    query="rows=12000, seed=3",
    release="no release",
    retrieved_at="2026-01-31T12:00:00Z",
    requested=12_000,
    received=12_000,
    rejected={"too few good pixels": 211, "no redshift": 17},
    sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    seed=3,
    notes=("No model was trained and no quasar was observed: the figures show what the page can do.",),
)
EXTERNAL = Provenance("simulated", "random numbers standing for a folder of spectra", received=34)


def write_sample_report(path: Path) -> None:
    """Write it to `path`."""
    rng = np.random.default_rng(3)
    truth, predicted, _ = _redshifts(rng, OBJECTS)
    report = Report(
        "Redshifts of quasars",
        "quasar-redshift",
        SIMULATED,
        headline=Headline(
            "of the test spectra within 6000 km/s of the catalogue redshift", 0.9731, 0.9702, 0.9758, 0.0604,
            published=0.97, published_source="FNet on DR16Q, arXiv:2201.03393",
        ),
        lead="A sample page. A convolutional network reads the redshift of a quasar from its spectrum and says "
        "how sure it is; cheaper methods answer the same question on the same spectra.",
    )  # fmt: skip
    _scores(report.section("How good it is"), rng, truth, predicted)
    _where(report.section("Where it fails"), rng, truth, predicted)
    _honesty(report.section("Whether it knows"), rng)
    _external(report.section("Spectra from elsewhere", EXTERNAL), rng)
    _training(report.section("How it learned"))
    report.write(path)


def _redshifts(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    truth = rng.beta(3.0, 4.0, count) * 4.1
    sigma = 0.002 * rng.lognormal(0, 0.5, count)
    predicted = truth + (1 + truth) * sigma * rng.normal(size=count)
    wrong = np.flatnonzero(rng.random(count) < 0.035)
    names = ["Mg II", "C III]", "C IV", "Ly\N{GREEK SMALL LETTER ALPHA}"]
    wavelength = np.array(
        [line.wavelength_angstrom for name in names for line in EMISSION_LINES if line.name == name]
    )
    ratio = wavelength[rng.integers(0, 4, wrong.size)] / wavelength[rng.integers(0, 4, wrong.size)]
    stray = rng.random(wrong.size) < 0.3
    predicted[wrong] = np.where(
        stray,
        rng.uniform(0.1, 4, wrong.size),
        ratio * (1 + predicted[wrong]) - 1 + rng.normal(0, 0.01, wrong.size),
    )
    return (
        truth,
        np.where((predicted > 0) & (predicted < LIMITS[1]), predicted, rng.uniform(*LIMITS, count)),
        sigma,
    )


def _scores(section: Section, rng: np.random.Generator, truth: np.ndarray, predicted: np.ndarray) -> None:
    section.text(
        "Each score stands beside its bootstrap interval, resampled by object, and beside what a single constant "
        "scores on the same objects.\n\nA published figure is called reached or not only where the data are real."
    )
    methods = ("Constant", "PCA and ridge", "Random forest", "Template scan")
    columns = [Column("Score"), Column("Value", ".4f"), Column("95 % interval", numeric=True)]
    columns += [Column(method, ".4f") for method in methods]
    rows = []
    for limit in ACCURACY_LIMITS_KM_S:
        value = float(np.mean(np.abs(velocity_km_s(predicted, truth)) < limit))
        interval = format_interval(value - 0.003, value + 0.003, ".4f")
        rows.append([f"within {limit:,} km/s", value, interval, 0.06, 0.31, 0.44, None])
    section.table("Accuracy, higher is better.", columns, rows, notes="Random numbers.", strong=[2])
    errors = {
        "network": velocity_km_s(predicted, truth),
        "template scan": velocity_km_s(predicted, truth) * 2 + rng.normal(0, 900, truth.size),
        "random forest": velocity_km_s(predicted, truth) + rng.normal(0, 9000, truth.size),
        "PCA and ridge": velocity_km_s(predicted, truth) + rng.normal(0, 20000, truth.size),
        "constant": velocity_km_s(np.full(truth.size, 1.9), truth),
    }
    value = np.array([np.mean(np.abs(v) < 6000) for v in errors.values()])
    section.figures(
        [
            diagrams.draw_comparison(
                list(errors), value, value - 0.004, value + 0.004, score="within 6000 km/s", percent=True
            ),
            redshift_diagrams.draw_velocity_errors(errors, ACCURACY_LIMITS_KM_S),
        ]
    )


def _where(section: Section, rng: np.random.Generator, truth: np.ndarray, predicted: np.ndarray) -> None:
    streaks: tuple[Streak, ...] = find_line_confusion(predicted, truth, (3566.0, 10325.0)).streaks
    section.figure(redshift_diagrams.draw_redshift_plane(truth, predicted, streaks, LIMITS))
    low = np.array([0.0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5])
    value = rng.uniform(0.9, 0.99, low.size)
    count = np.histogram(truth, [*low, 4.2])[0].astype(float)
    sn = np.array([0.0, 1, 2, 4, 8, 16])
    residual = (predicted - truth) / (1 + truth)
    section.figures(
        [
            diagrams.draw_score_by_feature(
                low, low + 0.5, value, value - 0.01, value + 0.01, count, score="within 6000 km/s",
                feature="redshift", percent=True,
            ),
            diagrams.draw_score_by_feature(
                sn, np.array([1, 2, 4, 8, 16, np.inf]), np.linspace(0.6, 0.99, 6), np.linspace(0.5, 0.98, 6),
                np.linspace(0.7, 0.995, 6), np.array([210.0, 1400, 4000, 3900, 1800, 690]),
                score="within 6000 km/s",
                feature="median S/N of a pixel", percent=True,
            ),
            diagrams.draw_predicted_and_true(
                truth, predicted, residual, quantity="redshift", residual_name="Δz / (1 + z)"
            ),
            redshift_diagrams.draw_redshift_distribution(truth, predicted, LIMITS),
        ]
    )  # fmt: skip
    section.text("The worst spectra, by the size of the velocity error.")
    section.figures(_worst(rng))


def _worst(rng: np.random.Generator, count: int = 8) -> list[Figure]:
    wavelength = 10 ** np.linspace(3.5522, 4.0139, 4618)
    truth, predicted = rng.uniform(0.2, 3.4, count), rng.uniform(0.2, 3.4, count)
    flux = (wavelength / 6000) ** -1.2 + rng.normal(0, 0.4, (count, wavelength.size))
    for line in EMISSION_LINES:
        centre = line.wavelength_angstrom * (1 + truth)[:, None]
        flux += 0.8 * np.exp(-0.5 * ((wavelength - centre) / (0.01 * centre)) ** 2)
    flux[:, 2000:2060] = np.nan
    edges = np.expm1(np.linspace(0, np.log1p(4.2), 401))
    middle = (edges[1:] + edges[:-1]) / 2
    near = np.exp(-0.5 * ((middle - truth[:, None]) / 0.03) ** 2)
    there = np.exp(-0.5 * ((middle - predicted[:, None]) / 0.05) ** 2)
    probability = near + 2 * there
    probability /= probability.sum(axis=1, keepdims=True)
    titles = [f"sim-{i:06d}, S/N {sn:.1f}" for i, sn in enumerate(rng.uniform(0.5, 6, count))]
    return spectrum_diagrams.draw_spectra(wavelength, flux, truth, predicted, edges, probability, titles)


def _honesty(section: Section, rng: np.random.Generator) -> None:
    nominal = np.linspace(0, 1, 41)
    observed = nominal + 0.06 * np.sin(np.pi * nominal)
    kept = np.linspace(0.02, 1, 50)
    section.figures(
        [
            calibration_diagrams.draw_pit(rng.beta(1.05, 1.0, OBJECTS)),
            calibration_diagrams.draw_coverage(nominal, observed, observed - 0.02, observed + 0.02),
            calibration_diagrams.draw_risk_coverage(kept, 0.035 * kept**2.5, risk_name="catastrophic failures"),
        ]
    )
    section.definitions(
        {
            "coverage": "Fraction of the truths inside the central interval of a probability.",
            "PIT": "Probability integral transform: predicted cumulative probability at the truth.",
        }
    )


def _external(section: Section, rng: np.random.Generator) -> None:
    truth, predicted, sigma = _redshifts(rng, 34)
    predicted[[3, 11, 12]] = [2.0, 2.05, 0.3]
    missed = np.abs(velocity_km_s(predicted, truth)) > 6000
    ids = [f"3655-55240-{i:04d}" for i in range(34)]
    section.figure(
        redshift_diagrams.draw_external(
            truth, predicted, predicted - sigma, predicted + sigma, missed, ids, LIMITS
        )
    )
    titles = ("Catalogue", "Predicted", "dv in km/s")
    forms = (".3f", ".3f", ",.0f")
    columns = [Column("Spectrum"), *(Column(*c) for c in zip(titles, forms, strict=True)), Column("Why")]
    velocity = velocity_km_s(predicted, truth)
    rows = [
        [ids[i], truth[i], predicted[i], velocity[i], "Host light and Balmer lines"]
        for i in np.flatnonzero(missed)
    ]
    section.table("Every miss.", columns, rows)


def _training(section: Section) -> None:
    epoch = np.arange(1, 26, dtype=float)
    train = 1.2 + 3 * np.exp(-epoch / 4)
    validation = 1.5 + 2.8 * np.exp(-epoch / 4) + 0.0012 * np.clip(epoch - 14, 0, None) ** 2
    chosen = int(epoch[validation.argmin()])
    section.figure(diagrams.draw_learning_curves(epoch, train, validation, chosen, loss="Cross-entropy"))
