"""Metrics that only an evaluation needs: those of papers, and those of other libraries."""
