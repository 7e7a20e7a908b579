"""What the stack is made of, and the tools that look after it."""
