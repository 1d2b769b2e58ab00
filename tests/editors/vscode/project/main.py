from shapes import Circle


def total(radii):
    return sum(Circle(radius).area() for radius in radii)
