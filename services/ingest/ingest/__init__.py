"""ShopSphere ingest."""
