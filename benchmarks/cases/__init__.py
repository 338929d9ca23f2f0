"""What is measured: each case returns sections of the report."""
