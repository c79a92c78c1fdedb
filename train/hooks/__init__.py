"""What of yours a run calls while it goes on."""
