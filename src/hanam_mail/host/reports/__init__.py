"""Reports that mail domains send each other: what was judged of their mail."""
