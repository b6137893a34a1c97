"""The figures that `inpaint_clip` returns to whoever asks."""

from __future__ import annotations

import json

import pytest
import torch

import lgtsm
from lgtsm.report import Report


def test_report_of_a_clip_in_memory(toy_clip, toy_holes, tiny_network):
    report = lgtsm.inpaint_clip(toy_clip, toy_holes, tiny_network).report
    assert report.model == tiny_network.name
    assert report.frames == report.frames_with_holes == 8
    assert report.size == (64, 48)
    assert report.crop == (10, 18, 44, 14)  # left, top, width, height around all holes
    assert report.seconds > 0
    assert report.peak_memory > 0
    assert json.loads(report.to_json())["crop"] == [10, 18, 44, 14]


def test_report_of_an_empty_mask_says_so(toy_clip, toy_holes):
    report = lgtsm.inpaint_clip(toy_clip, torch.zeros_like(toy_holes)).report
    assert report.frames == 8
    assert report.crop is None
    assert "empty" in report.notes[0]


@pytest.mark.parametrize(
    ("sources", "model", "told"),
    [
        ({}, "none", ""),
        (
            {"smooth": 0.04, "none": 0.5, "flow": 0.26, "synthesised": 0.2, "plate": 0.0},
            "built-in",
            "Masked pixels: 76% copied from other frames, 20% invented, 4% filled by the network.",
        ),
        (
            {"smooth": 0.25, "planar": 0.0, "synthesised": 0.001, "plate": 0.749},
            "none",
            "Masked pixels: 75% taken from plates, 25% filled smoothly.",
        ),
    ],
)
def test_a_sentence_tells_where_the_masked_pixels_came_from(sources, model, told):
    assert Report(model=model, sources=sources).origin == told


def test_the_sentence_is_of_what_was_done(toy_clip, toy_holes, tiny_network):
    report = lgtsm.inpaint_clip(toy_clip, toy_holes, tiny_network).report
    assert report.origin.startswith("Masked pixels: ")
    shares = [int(word[:-1]) for word in report.origin.split() if word.endswith("%")]
    assert 98 <= sum(shares) <= 102
