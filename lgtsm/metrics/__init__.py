"""Quality metrics of a fill."""
