"""`sayso demo --chat`: a story in two local chats, with a service that can be killed.

What the chats are is for `sayso.testing`; the service is `sayso serve`, in a process of its own.
"""

from sayso.bots.demo._demo import Running, demo_folder, running_demo

__all__ = ["Running", "demo_folder", "running_demo"]
