"""A trained target of the zoo, written so that other frameworks load it without this package."""
