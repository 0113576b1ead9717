"""Tasks on this machine: lanes of threads, their queues, and memory that may run out."""
