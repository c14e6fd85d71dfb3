"""First passwords, and the sealed file in which they leave."""
