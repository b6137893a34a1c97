"""Networks of the family and their specifications."""
