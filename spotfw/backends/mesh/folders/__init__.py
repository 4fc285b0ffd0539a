"""Folders of frozen models: Mesh TF checkpoints, Hugging Face folders, vocabularies."""
