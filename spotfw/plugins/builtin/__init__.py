"""The parts that come with spotfw, registered through the same hooks as anyone's plugin."""
