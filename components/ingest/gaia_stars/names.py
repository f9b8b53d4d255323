"""What columns are called: in Gaia DR3 and DR2, on VizieR, and in tables that people make of them."""

from collections.abc import Iterable

_OTHER_NAMES = {
    "source_id": (
        "dr3_source_id",
        "source",
        "gaia_source_id",
        "gaiaedr3",
        "gaiadr3",
        "gaiadr2",
        "source_id_dr3",
        "dr3name",
        "edr3name",
        "dr2name",
        "designation",
    ),
    "ra": ("ra_icrs", "raj2000", "radeg", "ra_deg"),
    "dec": ("de_icrs", "dej2000", "dedeg", "dec_deg", "de"),
    "l": ("glon",),
    "b": ("glat",),
    "parallax": ("plx",),
    "parallax_error": ("e_plx", "plx_error"),
    "pmra": ("pm_ra", "pmra_cosdec", "pmracosdec", "pmra*", "pmra_"),
    "pmra_error": ("e_pmra", "pm_ra_error", "e_pmra*", "e_pmra_"),
    "pmdec": ("pmde", "pm_dec"),
    "pmdec_error": ("e_pmde", "e_pmdec", "pm_dec_error"),
    "pmra_pmdec_corr": ("pmrapmdecor", "pmrapmdecorr"),
    "parallax_pmra_corr": ("plxpmracor",),
    "parallax_pmdec_corr": ("plxpmdecor",),
    "visibility_periods_used": ("nper", "visibility_periods"),
    "astrometric_params_solved": ("solved",),
    "nu_eff_used_in_astrometry": ("nueff",),
    "pseudocolour": ("pscol",),
    "ecl_lat": ("elat",),
    "phot_g_mean_mag": ("gmag", "g_mag"),
    "phot_bp_mean_mag": ("bpmag", "bp_mag"),
    "phot_rp_mean_mag": ("rpmag", "rp_mag"),
    "bp_rp": ("bp-rp", "bprp", "bp_rp_colour"),
    "phot_bp_rp_excess_factor": ("e(br/rp)", "e_br_rp_", "e(bp/rp)"),
    "spectraltype_esphs": ("spectype-esphs", "sptype"),
    "teff_gspphot": ("teff", "teff_val"),
    "logg_gspphot": ("logg",),
    "mh_gspphot": ("[fe/h]", "mh"),
}
# Names that a file of DR2 has and one of DR3 has not; `r_est` is of the distances that were made for DR2.
_OF_DR2 = {
    "astrometric_pseudo_colour", "teff_val", "priam_flags", "mean_varpi_factor_al", "r_est", "gaiadr2", "dr2name",
}  # fmt: skip
_OF_DR3 = {
    "nu_eff_used_in_astrometry", "pseudocolour", "teff_gspphot", "dr3_source_id", "ipd_frac_multi_peak", "gaiadr3",
    "gaiaedr3", "dr3name", "edr3name",
}  # fmt: skip
EXTRA = ("g_rp", "bp_g", "ref_epoch")
"""Further columns that something else follows from."""
_EPOCHS = {2015.5: "dr2", 2016.0: "dr3"}


def find_columns(names: Iterable[str], wanted: Iterable[str]) -> dict[str, str]:
    """Find which column of a file holds what.

    Capitals do not matter; Gaia's own names come before others.

    Returns
    -------
    dict of str to str
        The file's name by ours, of those that are there.
    """
    by_plain: dict[str, str] = {}
    # A file may have both Gaia's pmra and another survey's pmRA: names in small letters are Gaia's own.
    for name in sorted(names, key=lambda name: name != name.lower()):
        by_plain.setdefault(name.lower().strip(), name)
    found = {}
    for ours in wanted:
        choices = (ours, *_OTHER_NAMES.get(ours, ()))
        if match := next((by_plain[choice] for choice in choices if choice in by_plain), None):
            found[ours] = match
    return found


def guess_release(names: Iterable[str], epoch: float | None) -> str:
    """Tell by names and reference epoch which release a file is of: "dr2", "dr3", or "" where they do not say."""
    plain = {name.lower().strip() for name in names}
    if epoch is not None and epoch in _EPOCHS:
        return _EPOCHS[epoch]
    if plain & _OF_DR3:
        return "dr3"
    return "dr2" if plain & _OF_DR2 else ""
