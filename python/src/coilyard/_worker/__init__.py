"""A worker: one process that executes tools and DSPy modules for a runtime.

From outside to inside: `main` (the process) → `attach` (the stream) → `executor` (the calls in hand) → `tool_calls` and
`module_calls` (user code). Whatever happens to a call becomes exactly one `Result` or `Failure` (`failures`).
"""
