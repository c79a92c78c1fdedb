"""Where the numbers of a run go beside ``metrics.jsonl``: TensorBoard, a CSV file, Weights & Biases."""
