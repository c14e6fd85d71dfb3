"""What the mail daemons call: learning, mail of Sieve scripts, held mail."""
