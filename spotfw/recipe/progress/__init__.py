"""How far a long job is, shown to people: a bar, a notebook's line, or plain lines."""
