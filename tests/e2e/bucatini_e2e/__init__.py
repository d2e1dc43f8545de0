"""End-to-end tests: real servers, the reference story, and what must happen when parts of it fail."""
