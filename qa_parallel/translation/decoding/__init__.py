"""Segments through the model: batches, beams, devices, guards."""
