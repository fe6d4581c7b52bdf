"""ShopSphere transform."""
