"""Keys, certificates and the signed zones of a site."""
