"""What is wrong, and how to mend it: checks of the parts, and a probe along every way to a model."""
