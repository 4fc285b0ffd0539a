"""Does the tunings of spotfw's studies on a Ray cluster."""
