"""What a Coilyard worker imports for the triage agent: two module factories, the model, one tool."""

from __future__ import annotations

import coilyard
import dspy
import triage_model
import triage_program

# Once per process, in the main thread: DSPy lets nobody else configure it afterwards.
_model = triage_model.from_environment()
dspy.configure(lm=_model.lm)


@coilyard.module("triage.predict", variables=("max_demos", "body_chars"))
def predict(max_demos: int, body_chars: int) -> dspy.Module:
    """Judges a mail at once."""
    return triage_program.build(dspy.Predict(triage_program.JudgeMail), max_demos, body_chars)


@coilyard.module("triage.chain_of_thought", variables=("max_demos", "body_chars"))
def chain_of_thought(max_demos: int, body_chars: int) -> dspy.Module:
    """Writes down what speaks for either label, then judges by that."""
    return triage_program.build(dspy.ChainOfThought(triage_program.JudgeMail), max_demos, body_chars)


@coilyard.tool
def describe_model() -> str:
    """Say which model answers, and what it is not."""
    return _model.description
