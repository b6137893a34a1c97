"""Fills that need no training: smooth and candidate."""
