"""Adapters: a request becomes a message, a reply becomes a value. Pure functions, one package a surface."""
