"""Only so that `ansible-doc` finds the manual, role_users.yml: the action of the same name does the work."""
