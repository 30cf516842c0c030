"""The console's frame: start page and shell around the pages of the other slices."""
