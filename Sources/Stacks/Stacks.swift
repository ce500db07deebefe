// Stacks
