"""Mask generators: the published free-form strokes and kinds of our own."""
