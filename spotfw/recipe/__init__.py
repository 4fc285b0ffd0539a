"""The recipe: learn a prompt, transfer to a target, race candidates; runs and sessions."""
