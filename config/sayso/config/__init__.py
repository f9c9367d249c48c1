"""Settings: `sayso.toml` in the working directory, and over it `SAYSO_*` in the environment.

Nothing here opens or creates anything.
"""

from sayso.config._settings import FILE_NAME, InvalidSettings, Settings, load_settings

__all__ = ["FILE_NAME", "InvalidSettings", "Settings", "load_settings"]
