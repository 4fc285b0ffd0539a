"""Plugins that do what none should, one a case; everything else must go on.

A part is made of a sound one by one thing gone wrong, is registered beside the built-in
parts, and then what users ask for is asked: listings, JSON, the parts of others, a run's
hooks, a strategy's choice, a start for a prompt.
"""
