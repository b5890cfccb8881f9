"""Right answers and known mistakes: one module a topic, which only the judge imports."""
