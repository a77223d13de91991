"""The values everything else passes around: frozen, content-addressed, without I/O."""
