"""HTTP routes, a module for each thing they serve.

Each has ``routes(services)``, a router that ``web.app`` includes; bodies and answers are in
``web.schemas``. What is refused is raised: ``web.app`` turns exceptions into answers.
"""
