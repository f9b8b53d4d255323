"""The search: slide a model over strain, cluster what it finds, and ask time slides how often noise does the same.

A time slide shifts the detectors against each other by more than any wave takes between them. Whatever is found
then is no wave, but noise as it really is: glitches that happen to coincide (Abbott et al. 2016, Phys. Rev. Lett.
116, 061102, for the method). A real wave stays in the slides, in each detector alone, so that the rates of what is
quieter are upper limits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from scipy.signal import windows

from components.common.errors import InputError, ParameterError
from components.common.telemetry import report_progress
from components.physics.detectors import DETECTORS
from components.predict.strain.stretch import Stretch

FloatArray = npt.NDArray[np.float64]

_ROWS_AT_ONCE = 256
_SMOOTHING_SECONDS = 0.02


class Model(Protocol):
    """What the search needs of a model, whoever trained it."""

    def predict(self, strain: npt.NDArray[np.float32]) -> FloatArray:
        """Rank windows of whitened strain, shape (n, detectors, samples): larger is more like a wave.

        The logarithm of the odds, or anything that grows with it; shape (n,). A probability will do, but one that
        rounds to 1 no longer ranks what is loud.
        """
        ...


@runtime_checkable
class SeparableModel(Model, Protocol):
    """A model that looks at each detector by itself, so that time slides need not look again."""

    def contribution(self, strain: npt.NDArray[np.float32], detector: int) -> npt.NDArray[np.float16]:
        """Return what windows of one detector, shape (n, samples), add: n rows of any shape."""
        ...

    def join(self, *parts: npt.NDArray[np.float16]) -> FloatArray:
        """Rank windows by the contributions of their detectors."""
        ...


@dataclass(frozen=True)
class Settings:
    """How to search.

    Attributes
    ----------
    stride_seconds : float
        From one window to the next. Mergers are looked for where they lie in training windows: a stride of up to
        the length of that range misses none.
    slides : int
        Time slides for the background; each costs as much as the search itself. Those that a short stretch has no
        room for are left out.
    shift_seconds : float
        By which the detectors are shifted against each other from one slide to the next; a multiple of the stride.
    separation_seconds : float
        Candidates closer than this are one.
    candidates : int
        How many are listed.
    minimum_detectors : int
        Windows with fewer are left out.
    """

    stride_seconds: float = 0.5
    slides: int = 10
    shift_seconds: float = 1.0
    separation_seconds: float = 2.0
    candidates: int = 10
    minimum_detectors: int = 2

    def __post_init__(self) -> None:
        if not 0 < self.stride_seconds <= self.shift_seconds:
            raise ParameterError(
                f"A stride of {self.stride_seconds} s with shifts of {self.shift_seconds} s cannot be.",
                "Give a positive stride_seconds, and a shift_seconds that is a multiple of it.",
            )
        if abs(self.shift_seconds / self.stride_seconds % 1) > 1e-6:
            raise ParameterError(
                f"shift_seconds ({self.shift_seconds}) is no multiple of stride_seconds ({self.stride_seconds}).",
                "Give a multiple: windows are shifted by whole strides.",
            )
        if min(self.slides, self.candidates - 1, self.minimum_detectors - 1) < 0 or self.separation_seconds < 0:
            raise ParameterError(
                "slides, candidates, minimum_detectors and separation_seconds are counts and times.",
                "Give slides of at least 0, the others of at least 1, and no negative separation.",
            )


@dataclass(frozen=True, eq=False)
class Found:
    """Candidates, the loudest first.

    Attributes
    ----------
    gps : ndarray, shape (n,)
        Where the energy of the loudest window of the candidate peaks.
    window_start : ndarray, shape (n,)
        GPS time of that window's first sample.
    statistic : ndarray, shape (n,)
        What the model said of it.
    louder : ndarray of int, shape (n,)
        Candidates of the background that are at least as loud.
    false_alarms_per_day : ndarray, shape (n,)
        An upper estimate of how often noise alone is as loud: (louder + 1) / background time.
    background_seconds : float
        Time searched in the slides; 0 without slides, and the rates are then NaN.
    searched_seconds : float
        Time searched.
    """

    gps: FloatArray
    window_start: FloatArray
    statistic: FloatArray
    louder: npt.NDArray[np.int64]
    false_alarms_per_day: FloatArray
    background_seconds: float
    searched_seconds: float


def search(stretch: Stretch, model: Model, settings: Settings, samples: int, taper: float) -> Found:
    """Search a stretch of whitened strain.

    Parameters
    ----------
    stretch : Stretch
        As of `read_stretch`.
    model : Model
        Trained on windows of `samples` samples that were tapered by a Tukey window of this share.
    settings : Settings
        How.
    """
    cutter = _Cutter(stretch, settings, samples, taper)
    zero_lag = cutter.statistic(model, 0)
    usable = np.isfinite(zero_lag)
    if not usable.any():
        raise InputError(
            f"No window of the {stretch.seconds:g} s has {settings.minimum_detectors} detectors with good data; "
            f"any good data: {', '.join(stretch.detectors) or 'none'}.",
            f"Give files of at least {settings.minimum_detectors} detectors, of a time when they observed.",
        )
    background, live = _background(cutter, model, settings)
    chosen, times = _candidates(cutter, zero_lag, settings)
    starts, loud = cutter.starts[chosen], zero_lag[chosen]
    louder = np.array([np.count_nonzero(background >= value) for value in loud], dtype=np.int64)
    rate = (louder + 1) / live * 86_400 if live > 0 else np.full(len(loud), np.nan)
    return Found(
        stretch.gps_start + times,
        stretch.gps_start + starts / stretch.sample_rate,
        loud,
        louder,
        rate,
        live,
        float(usable.sum()) * settings.stride_seconds,
    )


class _Cutter:
    """Windows of a stretch, with detectors shifted against each other by whole strides around its end."""

    def __init__(self, stretch: Stretch, settings: Settings, samples: int, taper: float):
        self._stretch, self._samples = stretch, samples
        stride = round(settings.stride_seconds * stretch.sample_rate)
        self.starts = np.arange(0, stretch.white.shape[1] - samples + 1, stride)
        if not len(self.starts):
            raise InputError(
                f"{stretch.seconds:g} s are shorter than a window of {samples / stretch.sample_rate:g} s.",
                "Give longer files.",
            )
        self._taper = windows.tukey(samples, taper).astype(np.float32)
        self._minimum = settings.minimum_detectors
        self._known: list[npt.NDArray[np.float16]] = []
        good = np.concatenate([np.zeros((len(stretch.good), 1)), stretch.good.cumsum(1)], 1)
        self._good = (good[:, self.starts + samples] - good[:, self.starts]) == samples

    def statistic(self, model: Model, shift: int) -> FloatArray:
        """Ask the model about each window, each detector `shift` strides behind the one before; NaN if bad."""
        rows = [np.roll(np.arange(len(self.starts)), index * shift) for index in range(len(DETECTORS))]
        good = np.stack([self._good[index][rows[index]] for index in range(len(DETECTORS))])
        usable = np.flatnonzero(good.sum(0) >= self._minimum)
        result = np.full(len(self.starts), np.nan)
        for part in _parts(usable):
            taken = [rows[index][part] for index in range(len(DETECTORS))]
            if isinstance(model, SeparableModel):
                known = self._contributions(model)
                parts = [values[take % len(values)] for values, take in zip(known, taken, strict=True)]
                result[part] = model.join(*parts)
            else:
                result[part] = model.predict(np.stack([self._cut(k, take) for k, take in enumerate(taken)], 1))
        return result

    def _cut(self, index: int, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        """Windows of a detector, tapered; 0 where they cannot be trusted."""
        view = np.lib.stride_tricks.sliding_window_view(self._stretch.white[index], self._samples)
        return np.asarray(view[self.starts[rows]] * (self._taper * self._good[index, rows, None]))

    def _contributions(self, model: SeparableModel) -> list[npt.NDArray[np.float16]]:
        """Look at each detector's windows once; one without any data has one row for all."""
        if not self._known:
            for index in range(len(DETECTORS)):
                every = np.arange(len(self.starts) if self._good[index].any() else 1)
                parts = [model.contribution(self._cut(index, part), index) for part in _parts(every)]
                self._known.append(np.concatenate(parts))
        return self._known

    def loudest_time(self, start: int) -> float:
        """Seconds from the beginning of the stretch at which a window's energy, a little smoothed, is largest."""
        window = self._stretch.white[:, start : start + self._samples] * self._taper
        width = max(1, round(_SMOOTHING_SECONDS * self._stretch.sample_rate))
        energy = np.convolve((window.astype(np.float64) ** 2).sum(0), np.hanning(width + 2)[1:-1], mode="same")
        return float(start + energy.argmax()) / self._stretch.sample_rate


def _background(cutter: _Cutter, model: Model, settings: Settings) -> tuple[FloatArray, float]:
    """Loudest windows of the time slides, clustered as candidates are, and the time that they cover."""
    step = round(settings.shift_seconds / settings.stride_seconds)
    count = len(cutter.starts)
    # Shifts go around the end of the stretch: beyond these a detector would come back to where it was.
    possible = [k for k in range(1, settings.slides + 1) if 2 * k * step <= count - step]
    found: list[FloatArray] = []
    live = 0.0
    for number, slide in enumerate(possible, 1):
        statistic = cutter.statistic(model, slide * step)
        live += float(np.isfinite(statistic).sum()) * settings.stride_seconds
        found.append(statistic[list(_peaks(statistic, settings))])
        report_progress(number, len(possible), "time slides")
    return (np.concatenate(found) if found else np.zeros(0)), live


def _candidates(
    cutter: _Cutter, statistic: FloatArray, settings: Settings
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Windows to list, the loudest first, and their times: no two that are closer than they should be."""
    chosen: list[int] = []
    times: list[float] = []
    for index in _peaks(statistic, settings):
        time = cutter.loudest_time(int(cutter.starts[index]))
        if all(abs(time - other) > settings.separation_seconds for other in times):
            chosen.append(index)
            times.append(time)
        if len(chosen) == settings.candidates:
            break
    return np.array(chosen, dtype=np.int64), np.array(times)


def _peaks(statistic: FloatArray, settings: Settings) -> Iterator[int]:
    """Yield the loudest window, leave out its neighbours, and go on."""
    left = np.where(np.isfinite(statistic), statistic, -np.inf)
    apart = round(settings.separation_seconds / settings.stride_seconds)
    while np.isfinite(left).any():
        best = int(left.argmax())
        yield best
        left[max(0, best - apart) : best + apart + 1] = -np.inf


def _parts(rows: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.intp]]:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        yield rows[start : start + _ROWS_AT_ONCE]
