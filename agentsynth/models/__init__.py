"""Chat models behind one Protocol: HTTP, litellm, local, recorded and replayed."""
