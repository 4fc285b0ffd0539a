"""Engines that open and tune a frozen model."""
