"""A module of some names: def and class."""

import os.path as where
from collections import OrderedDict

LIMIT = 10


# about Shape
@cache
class Shape(Base, metaclass=Meta):
    sides = 3

    def __init__(self, name):
        self.name = name

    # about area: class and def are words here
    @property
    def area(self) -> float:
        """
        def not_one():
        """
        return self.sides * 2.0

    class Inner:
        async def run(self): ...


def helper(value: Shape, *rest):
    def inner():
        return value

    return inner(OrderedDict(rest)) or where.join(value.name)


if LIMIT:

    def conditional():
        pass
