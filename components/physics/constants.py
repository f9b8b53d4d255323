"""Constants of nature, in the units that the field uses."""

SPEED_OF_LIGHT_KM_S = 299792.458
