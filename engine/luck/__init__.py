"""How much of the best of many trials is luck, and who counts the trials."""
