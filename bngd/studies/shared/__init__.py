"""What several notebooks share: random problems, ranges of step sizes, rates, the house style of their figures."""
