"""From one painted frame to the mask of every frame."""
