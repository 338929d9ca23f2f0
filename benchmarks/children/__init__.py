"""Processes of the benchmark's own; each is a program that ends with its standard input."""
