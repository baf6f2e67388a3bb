import unittest

from checkout import totals


class TotalsTest(unittest.TestCase):
    def test_subtotal_counts_quantities(self):
        self.assertEqual(totals.subtotal([(250, 2), (100, 1)]), 600)

    def test_average_price_rounds_down(self):
        self.assertEqual(totals.average_price([(250, 2), (100, 1)]), 200)
        self.assertEqual(totals.average_price([(100, 1), (101, 2)]), 100)

    def test_empty_cart_has_a_summary(self):
        self.assertEqual(totals.summary([]), "0 articles, 0 cents, 0 on average")


if __name__ == "__main__":
    unittest.main()
