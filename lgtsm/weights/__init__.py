"""Weight files: catalogue, safe loading, saving."""
