"""Who acts, and episodes as data and as files. Pictures of them are in train/rendering."""
