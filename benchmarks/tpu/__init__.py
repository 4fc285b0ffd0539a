"""TPU runs: what fits where, how long a step should take, and the runner for one that is there."""
