"""Games in which what is best for one is not best for all. Tensors with a leading world axis; no physics."""
