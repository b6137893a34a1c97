"""Figures that only an evaluation needs: those of the papers, and what needs other libraries."""
