"""Leaves a thread behind when it is imported."""

import threading

threading.Thread(target=threading.Event().wait, name="busybody", daemon=True).start()
