"""ShopSphere fraud."""
