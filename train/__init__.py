"""Training: data, losses, the loop and the export of weights."""
