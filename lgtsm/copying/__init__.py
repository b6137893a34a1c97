"""Real pixels from other frames: which frames, where in them, and how reliable each is."""
