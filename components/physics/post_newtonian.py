"""Post-Newtonian coefficients of amplitude and phase of the inspiral, as IMRPhenomD uses them."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def amplitude_coefficients(
    eta: FloatArray, share: FloatArray, spin_1: FloatArray, spin_2: FloatArray
) -> FloatArray:
    """Coefficients of (M f)^(k/3), k = 0 to 6, in units of the leading order.

    Khan et al. 2016 (arXiv:1508.07253), Eqs. (B14) to (B20).

    Parameters
    ----------
    eta, share : ndarray, shape (n,)
        Symmetric mass ratio; the heavier mass over the total.
    spin_1, spin_2 : ndarray, shape (n,)
        Aligned spins, the heavier body first.

    Returns
    -------
    ndarray, shape (n, 7)
    """
    delta, even, odd = 2 * share - 1, (spin_1 + spin_2) / 2, (spin_1 - spin_2) / 2
    pi, zero, one = np.pi, np.zeros_like(eta), np.ones_like(eta)
    third = 27 / 8 * delta * odd + (27 / 8 - 11 / 6 * eta) * even
    fourth = (
        -27312085 / 8128512
        - 1975055 / 338688 * eta
        + 105271 / 24192 * eta**2
        + (-81 / 32 + 8 * eta) * odd**2
        - 81 / 16 * delta * odd * even
        + (-81 / 32 + 17 / 8 * eta) * even**2
    )
    fifth = (
        -85 / 64 * pi
        + 85 / 16 * pi * eta
        + (285197 / 16128 - 1579 / 4032 * eta) * delta * odd
        + (285197 / 16128 - 15317 / 672 * eta - 2227 / 1008 * eta**2) * even
    )
    sixth = (
        -177520268561 / 8583708672
        + (545384828789 / 5007163392 - 205 / 48 * pi**2) * eta
        - 3248849057 / 178827264 * eta**2
        + 34473079 / 6386688 * eta**3
        + (1614569 / 64512 - 1873643 / 16128 * eta + 2167 / 42 * eta**2) * odd**2
        + (31 / 12 - 7 / 3 * eta) * pi * even
        + (1614569 / 64512 - 61391 / 1344 * eta + 57451 / 4032 * eta**2) * even**2
        + delta * odd * (31 / 12 * pi + (1614569 / 32256 - 165961 / 2688 * eta) * even)
    )
    orders = [one, zero, -323 / 224 + 451 / 168 * eta, third, fourth, fifth, sixth]
    return np.stack([order * pi ** (k / 3) for k, order in enumerate(orders)], 1)


def phase_coefficients(
    eta: FloatArray, share: FloatArray, spin_1: FloatArray, spin_2: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Coefficients of the stationary phase: of (M f)^(k/3), k = -5 to 2, and of ln(M f) (1 and (M f)^(1/3)).

    Khan et al. 2016, Eqs. (B6) to (B13): to 3.5 post-Newtonian orders, with the spin-spin terms of order 2 but not
    those of order 3, as when the model was calibrated.

    Returns
    -------
    powers : ndarray, shape (n, 8)
    logs : ndarray, shape (n, 2)
    """
    delta, even, odd = 2 * share - 1, (spin_1 + spin_2) / 2, (spin_1 - spin_2) / 2
    pi, zero, one = np.pi, np.zeros_like(eta), np.ones_like(eta)
    second, third, fourth, fifth, sixth, seventh = _phase_orders(eta, delta, even, odd)
    fifth_log, sixth_log = 3 * fifth, -6848 / 21 * one
    # ln(v) = (ln(pi) + ln(M f)) / 3, so that the logarithms add constants to their own orders.
    log_pi = np.log(pi) / 3
    orders = [
        one, zero, second, third, fourth, fifth + fifth_log * log_pi, sixth + sixth_log * log_pi, seventh,
    ]  # fmt: skip
    scale = 3 / (128 * eta)
    powers = np.stack([order * scale * pi ** ((k - 5) / 3) for k, order in enumerate(orders)], 1)
    logs = np.stack([fifth_log * scale / 3, sixth_log * scale * np.cbrt(pi) / 3], 1)
    return powers, logs


def _phase_orders(eta: FloatArray, delta: FloatArray, even: FloatArray, odd: FloatArray) -> tuple[FloatArray, ...]:
    """Orders 2 to 7 in v, without their logarithms; `even` and `odd` are half the sum and difference of spins."""
    pi = np.pi
    second = 3715 / 756 + 55 / 9 * eta
    third = -16 * pi + 113 / 3 * delta * odd + (113 / 3 - 76 / 3 * eta) * even
    fourth = (
        15293365 / 508032
        + 27145 / 504 * eta
        + 3085 / 72 * eta**2
        + (-405 / 8 + 200 * eta) * odd**2
        - 405 / 4 * delta * odd * even
        + (-405 / 8 + 5 / 2 * eta) * even**2
    )
    fifth = (
        38645 / 756 * pi
        - 65 / 9 * pi * eta
        + delta * (-732985 / 2268 - 140 / 9 * eta) * odd
        + (-732985 / 2268 + 24260 / 81 * eta + 340 / 9 * eta**2) * even
    )
    sixth = (
        11583231236531 / 4694215680
        - 6848 / 21 * (np.euler_gamma + np.log(4))
        - 640 / 3 * pi**2
        + (-15737765635 / 3048192 + 2255 / 12 * pi**2) * eta
        + 76055 / 1728 * eta**2
        - 127825 / 1296 * eta**3
        + 2270 / 3 * delta * pi * odd
        + (2270 / 3 - 520 * eta) * pi * even
    )
    seventh = (
        77096675 / 254016 * pi
        + 378515 / 1512 * pi * eta
        - 74045 / 756 * pi * eta**2
        + delta * (-25150083775 / 3048192 + 26804935 / 6048 * eta - 1985 / 48 * eta**2) * odd
        + (-25150083775 / 3048192 + 10566655595 / 762048 * eta - 1042165 / 3024 * eta**2 + 5345 / 36 * eta**3)
        * even
    )
    return second, third, fourth, fifth, sixth, seventh
