"""One web page per image: what went in, what came out, and how far to trust it."""
