"""The processes: whatever a person or a service manager starts."""
