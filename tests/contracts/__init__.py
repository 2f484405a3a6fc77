"""One suite per door, for every registered member and for plug-in authors' own."""
