"""What can be asked at the door, by subject."""
