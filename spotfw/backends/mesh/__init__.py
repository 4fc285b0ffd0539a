"""The built-in backend: T5 through the t5 library and Mesh TensorFlow.

Importing this package imports no TensorFlow; its modules do, `compat` first.
"""
