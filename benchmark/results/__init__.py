"""What is kept of a run: records, predictions, and the numbers made of them."""
