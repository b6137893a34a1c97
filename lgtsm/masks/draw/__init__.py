"""Mask generators: the published free-form strokes and our own kinds."""
