"""`lgtsm score`: methods side by side on clips with known truth, every number kept."""
