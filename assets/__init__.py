"""MJCF fragments and textures: the XML holds the physics."""
