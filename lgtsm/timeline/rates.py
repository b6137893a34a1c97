"""Times of a timeline as exact fractions of a second; OpenTimelineIO holds rates as floats."""

from __future__ import annotations

import math
from fractions import Fraction

from opentimelineio.opentime import RationalTime

_ROUNDED = 0.005
"""How far a rate may be rounded: 23.98 stands for 24000/1001."""
_PARTS = 10**6
"""Largest denominator of a frame number that is not whole."""


def exact_rate(rate: float) -> Fraction:
    """Return the rate that a float stands for: 23.976 and 23.98 are 24000/1001."""
    if rate == round(rate):
        return Fraction(round(rate))
    television = Fraction(math.ceil(rate) * 1000, 1001)
    if abs(rate - television) < _ROUNDED:
        return television
    return Fraction(rate).limit_denominator(1001)


def seconds_of(time: RationalTime) -> Fraction:
    """Return a time in seconds."""
    return Fraction(time.value).limit_denominator(_PARTS) / exact_rate(time.rate)


def time_at(seconds: Fraction, rate: float) -> RationalTime:
    """Return seconds as a time at a rate."""
    return RationalTime(float(seconds * exact_rate(rate)), rate)
