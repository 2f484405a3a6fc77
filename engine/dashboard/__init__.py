"""The page a person leaves open beside a paper run, and numbers for machines."""
