"""The sandbox: where submitted code runs. It knows exercises, but neither answers nor the grading around it.

``wire`` is what crosses the border; ``inside`` runs on the far side; ``outside`` starts and watches it.
"""
