"""When a table has more files than its bytes deserve: one rule for who says so and who mends it."""

from collections.abc import Iterable, Sequence

# A partition holds at most one file per so many bytes: where opening a file stops to matter beside reading it.
FILE_BYTES = 64 * 2**20


def files_allowed(size: int, file_bytes: int = FILE_BYTES) -> int:
    """How many files a partition of that many bytes may have."""
    return max(1, -(-size // file_bytes))


def files_beyond(partition: Sequence[int], file_bytes: int = FILE_BYTES) -> int:
    """How many files of a partition, given by their sizes in bytes, are beyond what is allowed."""
    return max(0, len(partition) - files_allowed(sum(partition), file_bytes))


def crowded(partitions: Iterable[Sequence[int]], file_bytes: int = FILE_BYTES) -> int:
    """How many partitions have files beyond what is allowed."""
    return sum(files_beyond(partition, file_bytes) > 0 for partition in partitions)
