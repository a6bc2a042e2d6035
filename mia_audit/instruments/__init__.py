"""A differential privacy claim put to the test: by one step, by one training, by many trainings, and by its sampler."""
