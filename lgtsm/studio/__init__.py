"""`lgtsm studio`: paint a frame, track, remove and compare, in a browser."""
