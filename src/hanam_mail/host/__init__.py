"""All that runs on the hosts, shipped as one zipapp; it never reads the registry."""
