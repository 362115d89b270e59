# Long trials with the real programs: what "make torture", "make load" and "make soak" run.
