"""The denoising loop: conditions, controls, solvers, checkpoints, and decoding.

``prepare`` puts a batch's run together, for a ``request`` that Denoise meets: where it is to
``start``, under which ``conditions`` and ``controls``. ``loop`` goes through the steps: ``predict``
asks the networks (``replay`` repeats that on a GPU), ``solvers`` go on by what they say, with
``schedulers`` or their ``step_tables``; ``resume`` keeps checkpoints. ``vae`` encodes and decodes.
"""
