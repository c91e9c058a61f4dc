"""One module for each public data set or label format."""
