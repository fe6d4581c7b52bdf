"""Looking for text in every byte that a lake has: decoded, decompressed, and as it lies there."""
