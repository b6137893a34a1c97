"""Real pixels from other frames: which frames, where in them, how far to trust each."""
