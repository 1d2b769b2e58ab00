"""What is to be done on a machine with a GPU, in one command whose steps can be chosen; it runs on a CPU, too."""
