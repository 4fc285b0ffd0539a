"""Campaigns against spotfw: damaged, hostile and unlucky inputs, and what became of each.

``python -m benchmarks.campaigns [NAME ...] [--cases N] [--seed S] [--json FILE]``

A case is made from (campaign, seed, number) alone, so that any of them can be run again:
``python -m benchmarks.campaigns NAME --only NUMBER``. `tests/campaigns` runs a small share
of every campaign. What may come of a case stands in `verdict`.
"""
