"""The triage program: plain DSPy, without a word about who runs it."""

from __future__ import annotations

from typing import Literal

import dspy
from dspy.teleprompt import LabeledFewShot
from mails import email_text, read_mails


class JudgeMail(dspy.Signature):
    """Decide whether a mail is spam or ham, that is mail which its reader wants."""

    email: str = dspy.InputField()
    label: Literal["ham", "spam"] = dspy.OutputField()
    confidence: float = dspy.OutputField(desc="how sure the label is right, from 0 to 1")


class Triage(dspy.Module):
    """Shows the judge a mail as the demonstrations were shown: the subject and the start of the body."""

    def __init__(self, judge: dspy.Module, body_chars: int) -> None:
        super().__init__()
        self.judge = judge
        self.body_chars = body_chars

    def forward(self, subject: str, body: str) -> dspy.Prediction:
        return self.judge(email=email_text(subject, body, self.body_chars))

    async def aforward(self, subject: str, body: str) -> dspy.Prediction:
        return await self.judge.acall(email=email_text(subject, body, self.body_chars))


def build(judge: dspy.Module, max_demos: int, body_chars: int) -> Triage:
    """The program with `max_demos` training mails put into the prompt as demonstrations by DSPy's optimizer.

    The training mails alternate between ham and spam, and the first ones are taken: fewer demonstrations are
    a part of more, and both labels are shown equally often.
    """
    trainset = [
        dspy.Example(
            email=email_text(mail.subject, mail.body, body_chars), label=mail.label, confidence=1.0
        ).with_inputs("email")
        for mail in read_mails("train")
    ]
    compiled = LabeledFewShot(k=max_demos).compile(judge, trainset=trainset, sample=False)
    return Triage(compiled, body_chars)
