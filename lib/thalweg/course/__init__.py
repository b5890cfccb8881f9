"""The course: release assignments, grade submissions, give feedback. ``thalweg`` on the command line drives it.

A submission passes through :mod:`intake` (can it be read?), :mod:`restore` (a sound notebook), :mod:`execution`
(nbgrader runs it), :mod:`verdicts` (what the judge said) and :mod:`outcomes` (what is kept); :mod:`grading` leads it.

Around it: :mod:`collect` brings in what students handed in, :mod:`late` takes off what being late costs, :mod:`results` joins outcome
and gradebook for :mod:`feedback`, :mod:`report`, :mod:`export` and :mod:`regrade`.
"""
