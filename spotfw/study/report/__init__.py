"""A study's report: figures, tables, and one page that holds them all."""
