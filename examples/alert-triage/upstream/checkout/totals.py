"""Totals of a cart: a list of (price, quantity), prices in cents."""


def subtotal(items):
    """What all articles cost together."""
    return sum(price * quantity for price, quantity in items)


def pieces(items):
    """How many articles there are."""
    return sum(quantity for _, quantity in items)


def average_price(items):
    """What one article costs on average, rounded down; nothing in an empty cart."""
    return subtotal(items) // pieces(items)


def summary(items):
    """The line below the cart."""
    return f"{pieces(items)} articles, {subtotal(items)} cents, {average_price(items)} on average"
