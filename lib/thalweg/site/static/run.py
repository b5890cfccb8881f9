"""What runs in the page's Python: one call executes a text as a notebook's cell would."""

import io
import sys
import traceback
from contextlib import nullcontext, redirect_stdout

from pyodide.code import eval_code

sys.path.append("/lib/thalweg")
names = {"__name__": "__main__"}  # shared by all boxes of the page, as by the cells of a notebook


def run(code, filename, quiet=False):
    """Execute ``code`` and print the value of its last line; False if it raised. The traceback begins in ``filename``."""
    try:
        with redirect_stdout(io.StringIO()) if quiet else nullcontext():
            value = eval_code(code, names, filename=filename)
    except BaseException as error:  # SystemExit too: it must not end the page's Python
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename != filename:
            trace = trace.tb_next
        traceback.print_exception(error.with_traceback(trace))
        return False
    if value is not None and not quiet:
        print(repr(value))
    return True
