"""Measurements, each run by ``python -m benchmarks.NAME [--json FILE]`` from the repository."""
