"""Networks made from published weights, which onnxruntime runs."""
