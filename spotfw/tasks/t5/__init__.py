"""t5's tasks and the data sets of the paper that it has, known by name without loading it."""
