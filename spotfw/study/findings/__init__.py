"""What a study finds: arithmetic, tables and figures' numbers from rows alone."""
