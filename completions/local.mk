# Completion in shells, which find it by the name of the file.

dist_bashcompletion_DATA = completions/bash/lbclusterctl
dist_zshcompletion_DATA = completions/zsh/_lbclusterctl
