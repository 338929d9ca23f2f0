"""What the local pool costs, beside what others cost and beside what this machine can do at all."""
