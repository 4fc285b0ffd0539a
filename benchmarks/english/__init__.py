"""The paper's section 3 on real text, with the small English T5 (see README.md)."""
