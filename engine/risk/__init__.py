"""What stands in front of every order: limits, stops and switches."""
