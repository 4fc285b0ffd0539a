"""Tasks and mixtures that a TOML file declares over rows of files."""
