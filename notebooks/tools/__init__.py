"""What builds and runs the notebooks."""
