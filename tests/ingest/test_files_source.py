import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from spec_writer import write_spec

from components.common.errors import InputError, ParameterError
from components.common.tables import read_provenance, read_table
from components.ingest.sdss_spectra import files_source
from components.ingest.sdss_spectra.files_source import check_folder, find_spectra, read_folder
from components.ingest.sdss_spectra.ingestion import Settings, ingest


def _run(folder: Path, output: Path, **settings: object) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Ingest and check that nothing got lost; returns the table and the reasons by file."""
    provenance = ingest(output, Settings("files", location=str(folder), **settings))  # type: ignore[arg-type]
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert provenance.received == len(table["id"])
    assert sum(provenance.rejected.values()) == len(rejected["id"])
    assert read_provenance(output / "dataset.parquet") == provenance
    assert provenance.origin == "real"
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def _labels(folder: Path, rows: list[dict[str, object]]) -> None:
    pd.DataFrame(rows).to_csv(folder / "labels.csv", index=False)


def test_ingests_the_real_folder(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "sdss" / "spectra"
    table, rejected = _run(folder, tmp_path / "out")
    labels = pd.read_csv(folder / "labels.csv").set_index("file")
    assert len(table["id"]) == (labels["class"] == "QSO").sum()
    assert set(rejected.values()) == {"class"}
    for name, redshift in zip(table["id"], table["redshift"], strict=True):
        assert redshift == labels.loc[f"spec-{name}.fits", "redshift"]
    assert set(table["redshift_source"]) == {"labels.csv"}
    assert np.isfinite(table["flux"]).all()
    assert (table["ivar"] >= 0).all()
    assert table["first_pixel"].min() >= 35000


def test_one_quasar_on_two_plates_is_one_object(real_data: Path, tmp_path: Path) -> None:
    table, _ = _run(real_data / "sdss" / "spectra", tmp_path / "out", classes=["QSO", "GALAXY", "STAR"])
    objects = dict(zip(table["id"], table["object_id"], strict=True))
    assert objects["3655-55240-0370"] == objects["9367-57758-0500"]
    assert len(set(objects.values())) == len(objects) - 1


def test_without_labels_the_redshift_is_the_pipelines(tmp_path: Path) -> None:
    write_spec(tmp_path / "in" / "4000" / "spec-a.fits", redshift=2.5)
    write_spec(tmp_path / "in" / "spec-b.fits", fiber=2, redshift=-1.0, ra=10)
    table, rejected = _run(tmp_path / "in", tmp_path / "out")
    assert (table["redshift"][0], table["redshift_source"][0]) == (2.5, "Z_PIPE")
    assert rejected == {"spec-b.fits": "no redshift"}


def test_every_way_a_row_can_go_wrong_has_its_reason(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    names = ["good", "star", "nan", "sentinel", "far", "copy", "unlabelled", "dark"]
    for i, name in enumerate(names):
        ivar = np.zeros(400) if name == "dark" else None
        fiber = 1 if name == "copy" else i + 1
        write_spec(folder / f"{name}.fits", fiber=fiber, ra=10.0 * i, ivar=ivar)
    (folder / "cut.fits").write_bytes((folder / "good.fits").read_bytes()[:5000])
    (folder / "page.fits").write_bytes(b"<html>busy</html>")
    redshifts = {"nan": np.nan, "sentinel": -1.0, "far": 9.0}
    rows: list[dict[str, object]] = [
        {
            "file": f"{name}.fits",
            "class": "STAR" if name == "star" else "QSO",
            "redshift": redshifts.get(name, 1.5),
        }
        for name in names
        if name != "unlabelled"
    ]
    rows += [
        {"file": "good.fits", "class": "QSO", "redshift": 3.0},
        {"file": "absent.fits", "class": "QSO", "redshift": 3.0},
        {"file": "cut.fits", "class": "QSO", "redshift": 3.0},
        {"file": "page.fits", "class": "QSO", "redshift": 3.0},
    ]
    _labels(folder, rows)
    provenance = ingest(tmp_path / "out", Settings("files", location=str(folder)))
    table, rejected = (
        read_table(tmp_path / "out" / "dataset.parquet"),
        read_table(tmp_path / "out" / "rejected.parquet"),
    )
    assert (len(table["id"]), table["redshift"][0]) == (1, 1.5)  # the first of two labels counts
    assert sorted(zip(rejected["id"], rejected["reason"], strict=True)) == [
        ("absent.fits", "no file"),
        ("cut.fits", "truncated"),
        ("dark.fits", "no good pixels"),
        ("far.fits", "redshift range"),
        ("good.fits", "duplicate"),
        ("good.fits", "duplicate"),
        ("nan.fits", "no redshift"),
        ("page.fits", "not FITS"),
        ("sentinel.fits", "no redshift"),
        ("star.fits", "class"),
        ("unlabelled.fits", "no label"),
    ]
    assert provenance.requested == 12 == provenance.received + sum(provenance.rejected.values())
    assert any("cut.fits" in detail for detail in rejected["detail"])


def test_labels_may_name_paths_and_lack_a_class(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_spec(folder / "a" / "spec.fits", fiber=1, ra=1)
    write_spec(folder / "b" / "spec.fits", fiber=2, ra=2, spectral_class="GALAXY")
    _labels(folder, [{"File": "a/spec.fits", "Z": 0.5}, {"File": "b/spec.fits", "Z": 0.7}])
    table, rejected = _run(folder, tmp_path / "out")
    assert list(table["redshift"]) == [0.5]
    assert rejected == {"spec.fits": "class"}


def test_a_sample_is_drawn_by_seed_and_the_rest_is_kept_count_of(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "sdss" / "spectra"
    first, rejected = _run(folder, tmp_path / "1", rows=10, seed=1)
    again, _ = _run(folder, tmp_path / "2", rows=10, seed=1)
    other, _ = _run(folder, tmp_path / "3", rows=10, seed=2)
    assert len(first["id"]) == 10
    assert list(first["id"]) == list(again["id"]) != list(other["id"])
    assert list(rejected.values()).count("not drawn") == 25


def test_reads_a_folder_into_memory_for_validation(real_data: Path) -> None:
    columns, rejections = read_folder(real_data / "sdss" / "spectra", Settings("files", location="."))
    assert len(columns["id"]) == 35
    assert rejections.counts == {"class": 8}


def test_streams_in_batches_and_reports_each(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = real_data / "sdss" / "spectra"
    whole, _ = _run(folder, tmp_path / "whole")
    monkeypatch.setattr(files_source, "SPECTRA_PER_BATCH", 8)
    monkeypatch.setenv("ARMILLARY_EVENTS", str(tmp_path / "events"))
    pieces, _ = _run(folder, tmp_path / "pieces")
    for name, values in whole.items():
        np.testing.assert_array_equal(pieces[name], values)
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    assert [e["event"] for e in events] == ["begin", *["progress"] * 5, "counts", "end"]
    assert [(e["done"], e["total"]) for e in events if e["event"] == "progress"][-1] == (43, 43)
    assert events[-2]["values"] == {"rows_in": 43, "rows_out": 35, "rejected": 8}


def test_says_where_the_labels_are_from(tmp_path: Path) -> None:
    write_spec(tmp_path / "in" / "a.fits")
    own = ingest(tmp_path / "own", Settings("files", location=str(tmp_path / "in")))
    _labels(tmp_path / "in", [{"file": "a.fits", "redshift": 1.0}])
    given = ingest(tmp_path / "given", Settings("files", location=str(tmp_path / "in")))
    assert "no ground truth" in own.notes[0]
    assert "labels.csv" in given.notes[0]


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: None, "There is no folder"),
        (lambda folder: folder.mkdir(), "There is no spectrum in"),
        (
            lambda folder: (folder.mkdir(), (folder / "a.fits").write_bytes(b"<html>")),
            "1 spectra can be used.*not FITS",
        ),
        (lambda folder: write_spec(folder / "a.fits", spectral_class="STAR"), "Not one spectrum.*1 class"),
        (lambda folder: write_spec(folder / "a.fits", ivar=np.zeros(400)), "Not one spectrum.*no good pixels"),
        (
            lambda folder: (write_spec(folder / "a.fits"), _labels(folder, [{"name": "a"}])),
            "not file and redshift",
        ),
        (
            lambda folder: (write_spec(folder / "a.fits"), (folder / "labels.csv").write_bytes(b"")),
            "cannot be read",
        ),
    ],
)
def test_a_folder_of_no_use_is_an_error_and_leaves_nothing(tmp_path: Path, prepare: object, said: str) -> None:
    prepare(tmp_path / "in")  # type: ignore[operator]
    with pytest.raises(InputError, match=said):
        ingest(tmp_path / "out", Settings("files", location=str(tmp_path / "in")))
    assert not [p for p in tmp_path.iterdir() if p.name != "in"]


def test_a_folder_is_checked_without_reading_its_pixels(tmp_path: Path) -> None:
    write_spec(tmp_path / "spec-a.fits", ivar=np.zeros(400))
    check_folder(tmp_path, ("QSO",))
    with pytest.raises(InputError, match=r"None of the spectra.*: 1 class"):
        check_folder(tmp_path, ("STAR",))


def test_one_class_is_too_few_to_tell_apart(tmp_path: Path) -> None:
    write_spec(tmp_path / "spec-a.fits")
    write_spec(tmp_path / "spec-b.fits", fiber=2, spectral_class="STAR")
    with pytest.raises(
        InputError, match=r"holds one class only: QSO\. Give spectra of at least two of QSO, GALAXY"
    ):
        check_folder(tmp_path, ("QSO", "GALAXY"))
    check_folder(tmp_path, ("QSO", "GALAXY", "STAR"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "telescope"},
        {"source": "simulated", "rows": 0},
        {"source": "files"},
        {"source": "archive", "rows": -1},
        {"source": "archive", "classes": ["QUASAR"]},
        {"source": "archive", "classes": []},
        {"source": "archive", "minimum_redshift": 3.0, "maximum_redshift": 1.0},
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_runs(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        Settings(**wrong)  # type: ignore[arg-type]


def test_labels_may_say_the_redshift_twice(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_spec(folder / "spec.fits")
    _labels(folder, [{"file": "spec.fits", "class": "QSO", "z": 0.4, "redshift": 0.5}])
    table, _ = _run(folder, tmp_path / "out")
    assert list(table["redshift"]) == [0.5]


def test_a_folder_holds_spectra_with_any_ending_of_fits(tmp_path: Path) -> None:
    for name in ("a.fits", "B.FITS", "c.fit"):
        write_spec(tmp_path / name)
    (tmp_path / "d.fits.gz").write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    (tmp_path / "folder.fits").mkdir()
    (tmp_path / "._a.fits").write_bytes(b"of another system")
    assert [path.name for path in find_spectra(tmp_path)] == ["B.FITS", "a.fits", "c.fit", "d.fits.gz"]


def test_z_among_magnitudes_is_no_redshift(tmp_path: Path) -> None:
    write_spec(tmp_path / "spec-1.fits")
    labels = tmp_path / "labels.csv"
    labels.write_text("#Table1\nfile,class,u,g,r,i,z\nspec-1.fits,QSO,20.1,19.9,19.8,19.7,19.6\n")
    with pytest.raises(InputError, match="but not file and redshift"):
        check_folder(tmp_path, ("QSO",))
    labels.write_text("#Table1\nfile,class,z\nspec-1.fits,QSO,1.25\n")
    columns, _ = read_folder(tmp_path, Settings(source="files", location=str(tmp_path)))
    assert columns["redshift"].tolist() == [1.25]
    labels.write_text("file,class,z,ra\nspec-1.fits,QSO,1.25,9,\n")  # with a comma at its end
    columns, _ = read_folder(tmp_path, Settings(source="files", location=str(tmp_path)))
    assert columns["redshift"].tolist() == [1.25]
