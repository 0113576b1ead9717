"""Ready workflows: JSON files in this folder, pictures to start from in ``inputs``."""
