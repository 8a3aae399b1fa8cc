"""Scores the program on held-out mails without any runtime: what the variables are worth, what a mail costs.

python score.py --strategy Predict --demos 0 16 48 96 --body-chars 300 --temperature 0
"""

from __future__ import annotations

import argparse
import json
import time

import dspy
import triage_model
import triage_program
from mails import read_mails

STRATEGIES = {"Predict": dspy.Predict, "ChainOfThought": dspy.ChainOfThought}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategy", nargs="+", choices=STRATEGIES, default=["Predict"])
    parser.add_argument("--demos", nargs="+", type=int, default=[0, 16, 48, 96])
    parser.add_argument("--body-chars", nargs="+", type=int, default=[1200])
    parser.add_argument("--temperature", nargs="+", type=float, default=[0.0])
    parser.add_argument("--threshold", nargs="+", type=float, default=[0.5])
    parser.add_argument("--mails", type=int, default=200)
    options = parser.parse_args()
    chosen = triage_model.from_environment()
    dspy.configure(lm=chosen.lm, disable_history=True, max_trace_size=0)
    for strategy in options.strategy:
        for body_chars in options.body_chars:
            for max_demos in options.demos:
                for temperature in options.temperature:
                    with dspy.context(lm=chosen.lm.copy(temperature=temperature)):
                        started = time.perf_counter()
                        scores = spam_scores(strategy, max_demos, body_chars, options.mails)
                        elapsed = time.perf_counter() - started
                    for threshold in options.threshold:
                        right = sum((score > threshold) == spam for score, spam in scores)
                        result = {
                            "strategy": strategy,
                            "max_demos": max_demos,
                            "body_chars": body_chars,
                            "temperature": temperature,
                            "threshold": threshold,
                            "accuracy": round(right / len(scores), 4),
                            "mails": len(scores),
                            "ms_per_mail": round(1000 * elapsed / len(scores), 2),
                        }
                        print(json.dumps(result), flush=True)


def spam_scores(strategy: str, max_demos: int, body_chars: int, count: int) -> list[tuple[float, bool]]:
    program = triage_program.build(STRATEGIES[strategy](triage_program.JudgeMail), max_demos, body_chars)
    scores = []
    for mail in read_mails("held_out")[:count]:
        judged = program(subject=mail.subject, body=mail.body)
        score = judged.confidence if judged.label == "spam" else 1 - judged.confidence
        scores.append((score, mail.label == "spam"))
    return scores


if __name__ == "__main__":
    main()
