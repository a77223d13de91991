"""What plugin authors and our own tests test with."""
