"""What keeps several processes apart: the order of the queue, advisory locks, the file lock, notifications."""
