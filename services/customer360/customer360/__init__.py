"""ShopSphere customer360."""
