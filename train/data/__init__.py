"""Training data: clips on disk, holes, items and their batches."""
