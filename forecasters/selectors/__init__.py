"""What ranks symbols: rules, learners, and any forecaster by what it says."""
