"""Masks of burned-in text: found by a detector, shaped as its glyphs, joined over time."""
