"""Files of other programs, and of ours: readers that yield conversations, and writers that take them."""
