"""Weights as they are leased: built, mapped, patched with LoRAs, offloaded."""
