"""The trainings: a recipe and a loop for each part of the tiny models."""
