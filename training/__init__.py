"""How the weights under ``nodes/tiny`` are made: scenes, training, evaluation. Not installed with the package."""
