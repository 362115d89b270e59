# Every Nth read, write, sync, open or allocation fails, for each N.
