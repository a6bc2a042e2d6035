"""What was asked for: options, as a caller wrote them, read, made whole and checked before anything is paid for."""
