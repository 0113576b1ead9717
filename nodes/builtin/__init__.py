"""The models that come with the package: a tiny Stable Diffusion, and detectors' networks."""
