"""The honest yardstick: TF-IDF with logistic regression, the usual way to do this without any prompt.

Same split, whole trimmed mails. Prints one JSON object; without scikit-learn it says so and exits 0.
"""

from __future__ import annotations

import json

from triage_program import Mail, email_text, mails


def main() -> None:
    try:
        import sklearn  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        print(
            json.dumps(
                {"available": False, "reason": "scikit-learn is not installed: pip install scikit-learn"}
            )
        )
        return
    train, held_out = mails("train"), mails("held_out")
    result = {
        "available": True,
        "method": "TF-IDF (words and pairs) with logistic regression",
        "scikit_learn": sklearn.__version__,
        "held_out": len(held_out),
        "accuracy": {str(count): accuracy(train[:count], held_out) for count in (16, 48, 96, len(train))},
    }
    print(json.dumps(result))


def accuracy(train: tuple[Mail, ...], held_out: tuple[Mail, ...]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer  # pyright: ignore[reportMissingTypeStubs]
    from sklearn.linear_model import LogisticRegression  # pyright: ignore[reportMissingTypeStubs]
    from sklearn.pipeline import make_pipeline  # pyright: ignore[reportMissingTypeStubs]

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression(C=10))
    model.fit([_text(mail) for mail in train], [mail.label for mail in train])
    guesses = model.predict([_text(mail) for mail in held_out])
    right = sum(bool(guess == mail.label) for guess, mail in zip(guesses, held_out, strict=True))
    return right / len(held_out)


def _text(mail: Mail) -> str:
    return email_text(mail.subject, mail.body, len(mail.body))


if __name__ == "__main__":
    main()
