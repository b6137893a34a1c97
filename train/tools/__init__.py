"""Commands beside the training loop: export, compare, fit the blend weights."""
