"""Clips of an editor's timeline: the marked ones are cleaned and laid on a track above."""
