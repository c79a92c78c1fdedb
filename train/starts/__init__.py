"""Start states: a buffer of states in which training's episodes begin, and what they are worth."""
