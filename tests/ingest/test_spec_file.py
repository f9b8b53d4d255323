import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from spec_writer import write_spec

from components.ingest.sdss_spectra.batches import read_spectra
from components.ingest.sdss_spectra.fits_table import UnusableFileError
from components.ingest.sdss_spectra.schema import NAMES, TENSOR_PIXELS
from components.ingest.sdss_spectra.spec_file import UNUSABLE_BITS, is_redshift, read_metadata, read_spectrum


def test_reads_every_real_file_as_astropy_does(real_data: Path) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob("spec-*.fits"))
    assert len(files) > 40
    for path in files:
        spectrum = read_spectrum(path)
        with fits.open(path) as hdus:
            coadd = {name.lower(): np.asarray(hdus[1].data[name]) for name in hdus[1].columns.names}
            row = hdus[2].data[0]
        placed, metadata = spectrum.placed, spectrum.metadata
        good = (coadd["ivar"] > 0) & (coadd["and_mask"] & UNUSABLE_BITS == 0)
        assert not placed.resampled
        assert placed.flux.size == len(good)
        np.testing.assert_array_equal(placed.flux, np.where(good, coadd["flux"], 0))
        np.testing.assert_array_equal(placed.ivar, np.where(good, coadd["ivar"], 0))
        lattice = 1e-4 * (placed.first_pixel + np.arange(placed.flux.size))
        np.testing.assert_allclose(lattice, coadd["loglam"], atol=3e-7)  # float32 near 4
        assert f"spec-{metadata.id}.fits" == path.name
        assert metadata.redshift == float(row["Z"])
        assert (metadata.zwarning, metadata.spectral_class) == (row["ZWARNING"], row["CLASS"])
        assert (metadata.ra, metadata.dec) == (row["PLUG_RA"], row["PLUG_DEC"])
        # The survey's number is over pixels good in another sense; the two differ by a few percent.
        assert spectrum.sn_median == pytest.approx(float(row["SN_MEDIAN_ALL"]), rel=0.15)


def test_reads_skyservers_csv_as_the_spectrum_that_it_is(real_data: Path) -> None:
    (path,) = (real_data / "sdss").glob("skyserver_spectrum_*.csv")
    spectrum = read_spectrum(path)
    assert spectrum.metadata.id == path.stem
    assert not spectrum.placed.resampled
    assert (spectrum.placed.first_pixel, spectrum.placed.flux.size) == (35526, 4631)
    assert spectrum.placed.flux[0] == np.float32(78.875)
    assert 10 < spectrum.sn_median < 200  # a bright object


def test_a_full_file_gives_what_its_lite_version_gives(tmp_path: Path) -> None:
    lite = read_spectrum(write_spec(tmp_path / "lite.fits"))
    full = read_spectrum(write_spec(tmp_path / "full.fits", exposures=3))
    assert str(lite.metadata) == str(full.metadata)  # NaN is not equal to itself
    np.testing.assert_array_equal(lite.placed.flux, full.placed.flux)


def test_masks_pixels_that_are_not_finite_or_flagged(tmp_path: Path) -> None:
    flux, ivar, mask = np.ones(100), np.ones(100), np.zeros(100, int)
    flux[10], flux[11], ivar[12], ivar[13], ivar[14] = np.nan, np.inf, np.nan, -1, 0
    mask[20:25] = [1 << 23, 1 << 22, 1 << 18, 1 << 24, 1 << 2]  # BRIGHTSKY NOSKY FULLREJECT NODATA BADFLAT
    placed = read_spectrum(write_spec(tmp_path / "s.fits", pixels=100, flux=flux, ivar=ivar, and_mask=mask)).placed
    assert np.flatnonzero(placed.ivar == 0).tolist() == [10, 11, 12, 13, 14, 20, 21, 22]
    assert np.isfinite(placed.flux).all()
    assert not placed.flux[placed.ivar == 0].any()


def test_rebins_a_file_that_is_off_the_lattice(tmp_path: Path) -> None:
    spectrum = read_spectrum(write_spec(tmp_path / "linear.fits", loglam=np.log10(np.linspace(4000, 9000, 3000))))
    assert spectrum.placed.resampled
    assert spectrum.sn_median > 0


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"flux": np.full(400, np.nan)}, "no good pixels"),
        ({"ivar": np.zeros(400)}, "no good pixels"),
        ({"ivar": np.full(400, np.nan)}, "no good pixels"),
        ({"loglam": np.full(400, 3.6)}, "bad wavelengths"),
        ({"loglam": np.full(400, np.nan)}, "bad wavelengths"),
        ({"loglam": np.linspace(3.7, 3.6, 400)}, "bad wavelengths"),
        ({"loglam": np.linspace(3800.0, 9200.0, 400)}, "bad wavelengths"),
        ({"loglam": np.linspace(1.0, 1e30, 400)}, "bad wavelengths"),
    ],
)
def test_refuses_a_spectrum_without_use(tmp_path: Path, what: dict[str, np.ndarray], reason: str) -> None:
    path = write_spec(tmp_path / "spec-0001.fits", **what)  # type: ignore[arg-type]
    with pytest.raises(UnusableFileError, match="spec-0001") as raised:
        read_spectrum(path)
    assert raised.value.reason == reason
    assert raised.value.remedy


def test_refuses_a_file_that_holds_something_else(tmp_path: Path, real_data: Path) -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("Z", "E", array=[1.0])])
    table.writeto(tmp_path / "catalogue.fits")
    with pytest.raises(UnusableFileError, match="no table with columns flux and loglam"):
        read_spectrum(tmp_path / "catalogue.fits")
    with pytest.raises(UnusableFileError, match=r"There is no file .*absent"):
        read_spectrum(tmp_path / "absent.fits")
    with pytest.raises(UnusableFileError, match="not SkyServer's CSV"):
        read_spectrum(real_data / "sdss" / "spectra" / "labels.csv")
    with pytest.raises(UnusableFileError, match="cannot be read"):
        read_spectrum(tmp_path)


def test_a_coadd_without_ivar_is_refused(tmp_path: Path) -> None:
    columns = [fits.Column(name, "E", array=np.linspace(3.6, 3.7, 9)) for name in ("flux", "loglam")]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "noivar.fits")
    with pytest.raises(UnusableFileError, match=r"no column IVAR|has no column") as raised:
        read_spectrum(tmp_path / "noivar.fits")
    assert raised.value.reason == "missing column"


def test_a_spectrum_without_metadata_is_named_by_its_file(tmp_path: Path) -> None:
    path = write_spec(tmp_path / "mine.fits")
    with fits.open(path) as hdus:
        fits.HDUList(hdus[:2]).writeto(tmp_path / "bare.fits")
    metadata = read_metadata(tmp_path / "bare.fits")
    assert (metadata.id, metadata.spectral_class, metadata.plate) == ("bare", "UNKNOWN", -1)
    assert np.isnan([metadata.redshift, metadata.ra]).all()


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.6, 0.9, 0.99])
def test_a_truncated_real_file_is_never_taken_for_whole(real_data: Path, tmp_path: Path, fraction: float) -> None:
    content = (real_data / "sdss" / "spectra" / "spec-3655-55240-0026.fits").read_bytes()
    path = tmp_path / "spec-3655-55240-0026.fits"
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(UnusableFileError, match="3655-55240-0026") as raised:
        read_spectrum(path)
    assert raised.value.reason == "truncated"


def test_reads_many_and_goes_on_after_a_bad_one(tmp_path: Path) -> None:
    good = [write_spec(tmp_path / f"{i}.fits", fiber=i, thing_id=5 if i > 1 else -1) for i in (1, 2, 3)]
    bad = tmp_path / "bad.fits"
    bad.write_bytes(b"<html>")
    reading = read_spectra([good[0], bad, good[1], good[2]])
    assert reading.files == good
    assert reading.rejected == [("bad.fits", "not FITS", reading.rejected[0][2])]
    assert list(reading.columns) == [*NAMES, "magnitude_r", "velocity_dispersion"]
    assert reading.columns["flux"].shape == (3, TENSOR_PIXELS)
    # All three lie on one place of the sky, so all are one object.
    assert list(reading.columns["object_id"]) == ["thing-5"] * 3
    assert list(reading.columns["redshift_source"]) == ["Z_PIPE"] * 3
    assert not reading.columns["ivar"][:, 400:].any()
    assert read_spectra([]).columns["flux"].shape == (0, TENSOR_PIXELS)


def test_tells_redshifts_from_sentinels() -> None:
    np.testing.assert_array_equal(
        is_redshift([2.3, -0.0001, 0.0, -1, -999, np.nan, np.inf]), [True, True, True, False, False, False, False]
    )


def test_light_in_the_fibre_and_motions_of_the_stars_are_those_of_the_file(real_data: Path) -> None:
    folder = real_data / "sdss" / "spectra"
    galaxy = read_metadata(folder / "spec-0266-51630-0168.fits")
    assert galaxy.magnitude_r == pytest.approx(22.5 - 2.5 * np.log10(90.94684), abs=1e-5)
    assert galaxy.velocity_dispersion == pytest.approx(86.95, abs=0.01)
    assert np.isnan(read_metadata(folder / "spec-0332-52367-0639.fits").velocity_dispersion)  # a quasar


def test_reads_a_compressed_file_as_what_it_holds(tmp_path: Path) -> None:
    plain = write_spec(tmp_path / "spec-1.fits")
    packed = tmp_path / "spec-1.fits.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    np.testing.assert_array_equal(read_spectrum(packed).placed.flux, read_spectrum(plain).placed.flux)
    assert read_metadata(packed).id == read_metadata(plain).id
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(UnusableFileError, match=r"spec-1\.fits\.gz") as raised:
        read_spectrum(packed)
    assert raised.value.reason == "truncated"


def test_reads_what_other_programs_made_of_a_file(tmp_path: Path) -> None:
    """Masks as floats with gaps, metadata as text, and short vectors."""
    loglam = 3.6 + 1e-4 * np.arange(50)
    mask = np.zeros(50)
    mask[3], mask[4] = np.nan, 1 << 23
    pixels = [
        fits.Column("Flux", "D", array=np.ones(50)),
        fits.Column("LogLam", "D", array=loglam),
        fits.Column("ivar", "J", array=np.full(50, 4)),
        fits.Column("and_mask", "E", array=mask),
    ]
    own = [
        fits.Column("PLATE", "10A", array=["none"]),
        fits.Column("Z", "D", array=[1.5]),
        fits.Column("ZWARNING", "E", array=[np.nan]),
        fits.Column("CLASS", "J", array=[3]),
        fits.Column("SPECTROFLUX", "2E", array=[[1.0, 2.0]]),
    ]
    hdus = [fits.BinTableHDU.from_columns(columns) for columns in (pixels, own)]
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(tmp_path / "own.fits")
    spectrum = read_spectrum(tmp_path / "own.fits")
    assert np.flatnonzero(spectrum.placed.ivar == 0).tolist() == [4]
    assert spectrum.sn_median == 2
    metadata = spectrum.metadata
    assert (metadata.id, metadata.redshift, metadata.zwarning) == ("own", 1.5, 0)
    assert (metadata.spectral_class, metadata.plate) == ("UNKNOWN", -1)
    assert np.isnan(metadata.magnitude_r)


@pytest.mark.parametrize("form", ["400E", "8A"])
def test_a_table_whose_rows_are_no_pixels_is_refused(tmp_path: Path, form: str) -> None:
    array = np.ones((1, 400)) if form == "400E" else np.array(["x"])
    columns = [fits.Column(name, form, array=array) for name in ("flux", "loglam", "ivar")]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "vectors.fits")
    with pytest.raises(UnusableFileError, match=r"LOGLAM of .*vectors\.fits is not one number") as raised:
        read_spectrum(tmp_path / "vectors.fits")
    assert raised.value.reason == "odd layout"


def test_reads_a_csv_with_other_capitals_and_refuses_an_empty_one(tmp_path: Path) -> None:
    wavelength = 10 ** (3.6 + 1e-4 * np.arange(100))
    rows = [f"{w}, {f}" for w, f in zip(wavelength, np.random.default_rng(1).normal(5, 1, 100), strict=True)]
    path = tmp_path / "spec-mine.csv"
    path.write_text("\n".join(["WAVELENGTH, flux", *rows]))
    assert read_spectrum(path).placed.flux.size == 100
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for text, reason in (
            ("Wavelength,Flux\n", "no good pixels"),
            ("Wavelength,Flux\n-4000,1\n-4001,2\n", "no good pixels"),
            ("Wavelength,BestFit\n4000,1\n", "not a spectrum"),
            ("Wavelength,Flux\n4000,x\n", "not a spectrum"),
            ("", "not a spectrum"),
        ):
            path.write_text(text)
            with pytest.raises(UnusableFileError, match=r"spec-mine\.csv") as raised:
                read_spectrum(path)
            assert raised.value.reason == reason


def write_sdss_v(path: Path, plugged: float, ra: float) -> None:
    """Write a file as SDSS-V has them since 2020: capitals, a field for a plate, no fibre and no THING_ID."""
    loglam = 1e-4 * (35522 + np.arange(500))
    pixels = {"FLUX": np.random.default_rng(1).normal(2, 0.5, 500), "LOGLAM": loglam, "IVAR": np.full(500, 4.0)}
    coadd = [fits.Column(name, "E", array=values) for name, values in pixels.items()]
    coadd += [fits.Column(name, "J", array=np.zeros(500, int)) for name in ("AND_MASK", "OR_MASK")]
    row = [fits.Column("FIELD", "K", array=[15143]), fits.Column("MJD", "K", array=[59205])]
    row += [fits.Column("CATALOGID", "K", array=[4544940698]), fits.Column("FIBERID_LIST", "11A", array=["1 2"])]
    places = {"PLUG_RA": plugged, "PLUG_DEC": plugged, "RACAT": ra, "DECCAT": 2.0}
    row += [fits.Column(name, "D", array=[value]) for name, value in places.items()]
    row += [fits.Column("Z", "E", array=[1.5]), fits.Column("CLASS", "6A", array=["QSO"])]
    tables = (fits.BinTableHDU.from_columns(coadd, name="COADD"), fits.BinTableHDU.from_columns(row, name="SPALL"))
    fits.HDUList([fits.PrimaryHDU(), *tables]).writeto(path)


def test_two_nights_of_sdss_v_are_one_object(tmp_path: Path) -> None:
    nights = [tmp_path / f"spec-015143-{night}-04544940698.fits" for night in (59205, 59256)]
    for path, ra in zip(nights, (150.0, 150.0001), strict=True):
        write_sdss_v(path, -999.0, ra)
    packed = nights[0].with_name(f"{nights[0].name}.gz")
    packed.write_bytes(gzip.compress(nights[0].read_bytes()))
    read = read_spectra([*nights, packed]).columns
    assert len(set(read["object_id"])) == 1
    assert read["ra"][0] == 150
    assert (read["spectral_class"] == "QSO").all()
    assert read["id"].tolist() == [nights[0].stem, nights[1].stem, nights[0].stem]


def test_no_place_is_none(tmp_path: Path) -> None:
    write_sdss_v(tmp_path / "spec-1.fits", -999.0, np.nan)
    assert np.isnan(read_spectrum(tmp_path / "spec-1.fits").metadata.ra)


def test_the_line_that_skyserver_puts_before_a_table_is_no_row(tmp_path: Path) -> None:
    rows = [f"{10 ** (3.6 + 1e-4 * i)},{i % 7}" for i in range(100)]
    (tmp_path / "spectrum.csv").write_text("\n".join(["#Table1", "Wavelength,Flux", *rows]))
    assert read_spectrum(tmp_path / "spectrum.csv").placed.flux.size == 100
