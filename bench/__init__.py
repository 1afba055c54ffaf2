"""What we measure and how: each figure a ratio to something of the same run or recorded from upstream."""
