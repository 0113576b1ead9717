"""The denoising loop: conditions, controls, solvers, checkpoints, and decoding."""
