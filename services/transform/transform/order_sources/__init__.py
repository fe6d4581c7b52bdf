"""Order lines as each source tells them, in the columns of `line.py`: one module per source."""
