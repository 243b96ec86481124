"""The whole stack with nothing left out: only the chat model's answers are made up."""
