"""The named model `english`: a small frozen T5 1.1 of openly licensed English text."""
