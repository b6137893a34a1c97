"""Training-free fills, and the record of them that networks start from."""
