"""Which tracker, and what it needs."""

from __future__ import annotations

import sys

import pytest

from lgtsm.errors import DeviceError, OptionError
from lgtsm.track_options import TrackOptions
from lgtsm.tracking.load_tracker import load_tracker


def test_without_transformers_the_package_is_named(monkeypatch, one_sentence):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(DeviceError, match='pip install "transformers') as error:
        load_tracker(TrackOptions(tracker="sam2", tracker_model="any"), "cpu")
    one_sentence(error.value)


@pytest.mark.parametrize("given", [{"tracker": "sam2"}, {"tracker_model": "folder"}])
def test_a_tracker_and_its_weights_come_together(given, one_sentence):
    with pytest.raises(OptionError) as error:
        TrackOptions(**given)
    one_sentence(error.value)
