"""How the weights under ``nodes/tiny`` are made: scenes, training, evaluation. Not installed."""
