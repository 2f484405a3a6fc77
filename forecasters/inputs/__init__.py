"""From a panel to scaled windows with outcomes: what could leak stands here, once."""
