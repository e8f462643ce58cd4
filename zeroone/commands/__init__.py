"""The commands, a module each: ``add_parser`` says a command's options, ``run`` runs it."""
