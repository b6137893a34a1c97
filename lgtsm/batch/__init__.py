"""Many file jobs: lists of them, what is done already, worker processes and clusters."""
