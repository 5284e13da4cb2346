"""Files that mean harm or are broken, each made here, and files as people really send them."""
