"""Bridges from agent frameworks to a sayso service: a module for each, which stands on `sayso.client` alone."""
