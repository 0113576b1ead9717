"""Measures of trained weights: pictures drawn, recognised and compared with their scenes."""
