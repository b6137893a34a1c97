"""What belongs to an object and lies outside its mask: its shadow, a forgotten rim."""
