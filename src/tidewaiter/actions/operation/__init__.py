"""Running the service: set-up, the worker's schedule, backup."""
