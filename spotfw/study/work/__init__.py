"""A study at work: its cells tuned, compared and written down."""
