"""The paper's figures, and figures of a user's own images."""
