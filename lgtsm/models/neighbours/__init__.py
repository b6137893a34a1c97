"""Networks beside the family: aligners, and networks that fill on aligned copies or carry key frames."""
