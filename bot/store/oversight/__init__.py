"""What the operator keeps and asks across all servers: blocks, and sums of how requests ended."""
