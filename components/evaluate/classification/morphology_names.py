"""Features of galaxies for a reader."""

_LABELS = {
    "petro_mag_r": "Petrosian magnitude r",
    "absolute_mag_r": "absolute magnitude r",
    "u_g": "colour u \u2212 g",
    "g_r": "colour g \u2212 r",
    "r_i": "colour r \u2212 i",
    "i_z": "colour i \u2212 z",
    "petro_r50_r": "half-light radius, arcsec",
    "petro_r90_r": "90 % light radius, arcsec",
    "petro_r50_kpc": "half-light radius, kpc",
    "concentration_r": "concentration R90 / R50",
    "surface_brightness_r": "surface brightness, mag/arcsec\u00b2",
    "frac_dev_r": "share of de Vaucouleurs profile",
    "axis_ratio_dev": "axis ratio, de Vaucouleurs fit",
    "axis_ratio_exp": "axis ratio, exponential fit",
    "dev_rad_r": "radius, de Vaucouleurs fit, arcsec",
    "exp_rad_r": "radius, exponential fit, arcsec",
    "lnl_exp_minus_dev": "likelihood, exponential less de Vaucouleurs",
    "m_rr_cc": "adaptive moment, size",
    "m_ellipticity": "adaptive ellipticity",
    "m_cr4": "adaptive fourth moment",
    "velocity_dispersion": "velocity dispersion, km/s",
    "d4000": "break at 4000 \u00c5",
    "h_alpha_ew": "H\u03b1 equivalent width, \u00c5",
    "log_stellar_mass": "log stellar mass",
    "local_density": "log local density",
}


def label_of(name: str) -> str:
    """Name a feature for a reader; a vote keeps its number and loses the words in between."""
    if name in _LABELS:
        return _LABELS[name]
    return name.replace("_", " ")


def short(name: str) -> str:
    """Name a feature where there is little room."""
    if name[:1] == "t" and name[1:3].isdigit():
        parts = name.split("_")
        answer = next((number for number, part in enumerate(parts) if part[0] == "a" and part[1:].isdigit()), 1)
        return f"{parts[0]} {' '.join(parts[answer + 1 :])}"
    return name
