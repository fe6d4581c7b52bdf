"""ShopSphere inventory."""
