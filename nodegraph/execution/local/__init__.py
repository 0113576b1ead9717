"""Tasks on this machine: lanes of threads, their queues, and memory that may run out.

``dispatch`` queues tasks (``affinity`` orders them by the models they use) and gives them to
``lanes``, where ``perform`` runs them: by ``admission`` no more items at once than fit, and down
the ``ladder`` where memory runs out after all. ``prefetch`` loads weights that will be needed;
``upcoming`` tells the cache not to drop them.
"""
