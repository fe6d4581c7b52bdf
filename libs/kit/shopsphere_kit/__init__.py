"""What every ShopSphere service repeats, and nothing of any domain."""
