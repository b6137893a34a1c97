"""The figures that `inpaint_clip` returns to whoever asks."""

from __future__ import annotations

import json

import torch

import lgtsm


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
