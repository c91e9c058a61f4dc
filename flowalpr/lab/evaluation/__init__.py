"""How good a model is, measured through the code that ships."""
