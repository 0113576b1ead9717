"""Pictures that carry their workflow: texts inside PNG, JPEG and WebP files."""
