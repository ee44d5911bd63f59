"""Networks that are run by onnxruntime, made from published weights."""
