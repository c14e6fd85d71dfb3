"""What Ansible calls on the operator's machine."""
