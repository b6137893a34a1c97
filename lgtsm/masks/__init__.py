"""Masks: their generators and their preparation."""
