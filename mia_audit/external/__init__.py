"""What others trained: files of predictions, callables and checkpoints, read without running what they hold."""
