"""Forecasts bar by bar without torch: states by their step, windows by ONNX Runtime."""
