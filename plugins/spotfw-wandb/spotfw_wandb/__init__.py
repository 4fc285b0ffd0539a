"""Follows spotfw's runs in Weights & Biases."""
