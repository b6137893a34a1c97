"""Patch-based completion of one picture: what no frame shows is made from what the picture shows."""
