"""A zygote: one warm interpreter for each environment, whose forks are workers that have imported everything already.

`main` (the process) imports, then answers requests to fork that come over a private channel (`channel`). Before each
fork `safety` proves that it can be done. A fresh `child` is told from its parent in everything that must not be shared,
and goes on as `coilyard._worker.main`. `children` reaps. What is left when it ends is killed by the guardian
(`coilyard._guardian`), the process above it.
"""
