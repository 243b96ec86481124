"""What people are told before it is too late: budgets that are nearly used up, models that end."""
