"""What pictures are made of: an OpenGL context, and lines for what has no body. Pictures: train/rendering."""
