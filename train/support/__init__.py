"""What any program needs: files, locks, devices, processes, a console. Nothing of worlds or learning."""
