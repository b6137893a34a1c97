"""How good and how fast it is: metrics of the papers, side-by-side scores, benchmarks."""
