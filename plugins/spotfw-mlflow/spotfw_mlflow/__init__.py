"""Follows spotfw's runs in MLflow."""
