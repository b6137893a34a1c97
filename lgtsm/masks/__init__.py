"""Masks: the published free-form generator, own kinds, and what is done to masks."""
