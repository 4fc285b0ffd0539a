"""A playground for prompt transfer: one small world, its tasks, its text, its model."""
