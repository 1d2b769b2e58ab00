"""Evaluation of position schemes: texts as prompts, a model under a method, and the tasks that ask it something."""
