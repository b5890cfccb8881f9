"""Thalweg: an executable textbook on optimization and regularization for deep networks.

The name is a river's: the line that joins the lowest points of a valley.

``thalweg.numpy`` holds the reference algorithms, ``thalweg.torch`` the same names on PyTorch tensors,
``thalweg.exercises`` the assignments and their judges, ``thalweg.course`` the grading tools.
"""

__version__ = "0.1.0"
