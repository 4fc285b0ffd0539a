"""Short tasks made of text: every answer comes from the text itself or its source's own mark-up.

No row of a set that models are evaluated on is used, and no name of one is a prefix. `maker` has
the table of all tasks; each of the other modules has tasks of one kind.
"""
