"""Speed measured against the published form of the same network."""
