"""Past versions: which are kept, which seats they get, how they are rated."""
