"""The commands of the command line, one module each. Nothing imports them but cli.py, when they are called."""
