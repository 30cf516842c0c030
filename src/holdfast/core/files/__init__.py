"""Files: what people upload, its versions, and who gets it."""
