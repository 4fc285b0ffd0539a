"""The engine's programs on TPUs: planned and counted anywhere, run where there is one.

Importing this package imports no TensorFlow; `hardware` needs none either.
"""
