"""A model of session pools in Azure, with the real client in front and a clock that jumps."""
