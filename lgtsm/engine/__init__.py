"""From an iterator of frames and holes to an iterator of patches."""
