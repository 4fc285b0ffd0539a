"""seqio as one way to have a task: its tasks, mixtures, vocabularies and metrics."""
