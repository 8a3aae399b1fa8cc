"""Variables for what DSPy has parameters for: of its modules, and of its optimizers. Imports DSPy on first use."""
