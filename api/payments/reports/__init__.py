"""What channels say of money, however it came: weighed, applied once, put in the books."""
