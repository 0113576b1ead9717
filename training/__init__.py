"""The making of the weights under ``nodes/builtin/tiny``: scenes, training,
evaluation. Not installed."""
