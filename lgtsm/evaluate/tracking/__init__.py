"""How well objects are tracked from painted frames, on clips with human masks."""
