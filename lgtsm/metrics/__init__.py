"""Numbers that say how good a fill is."""
