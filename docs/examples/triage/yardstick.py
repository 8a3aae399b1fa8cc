"""The honest yardstick: TF-IDF with logistic regression, the usual way to do this without any prompt.

Same split, whole trimmed mails. `python yardstick.py` prints one JSON object; without scikit-learn it says so.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from mails import Mail, email_text, read_mails

METHOD = "TF-IDF (words and pairs of words) with logistic regression"


def measure(held_out: int | None = None) -> dict[str, Any]:
    """Score on the first `held_out` held-out mails, all by default, trained on the first 16, 48, 96 and all mails."""
    try:
        import sklearn  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        reason = f"scikit-learn is not installed: {sys.executable} -m pip install scikit-learn"
        return {"available": False, "method": METHOD, "reason": reason}
    train, test = read_mails("train"), read_mails("held_out")[:held_out]
    return {
        "available": True,
        "method": METHOD,
        "scikit_learn": sklearn.__version__,
        "held_out": len(test),
        "accuracy": {str(count): accuracy(train[:count], test) for count in (16, 48, 96, len(train))},
    }


def accuracy(train: Sequence[Mail], test: Sequence[Mail]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore[reportMissingTypeStubs]
    from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingTypeStubs]
    from sklearn.pipeline import make_pipeline  # pyright: ignore[reportMissingTypeStubs]

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=10))
    model.fit([_text(mail) for mail in train], [mail.label for mail in train])
    guesses = model.predict([_text(mail) for mail in test])
    right = sum(bool(guess == mail.label) for guess, mail in zip(guesses, test, strict=True))
    return right / len(test)


def _text(mail: Mail) -> str:
    return email_text(mail.subject, mail.body, len(mail.body))


if __name__ == "__main__":
    print(json.dumps(measure()))
