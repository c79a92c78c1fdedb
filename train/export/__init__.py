"""Policies for other programs: as ONNX, and as plain arrays for NumPy."""
