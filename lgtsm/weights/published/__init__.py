"""Converters of the published checkpoints."""
