"""`/predict` against the servers that people take for models: MLflow, BentoML and MLServer with the same trees."""
