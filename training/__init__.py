"""How the weights under ``nodes/builtin/tiny`` are made: scenes, training,
evaluation. Not installed."""
