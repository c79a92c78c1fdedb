"""How fast every part of training is."""
