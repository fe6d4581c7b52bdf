"""The systems that ingest reads, behind one Protocol."""
