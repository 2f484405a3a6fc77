"""The keys of a config, block by block, and how a file of them is read and refused."""
