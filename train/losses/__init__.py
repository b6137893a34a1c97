"""Losses, each a function; batches are (B,T,C,h,w) and holes have 1 = hole."""
