"""Write what the TypeScript client knows of the API's description, and the types made from it.

    .venv/bin/python scripts/make_typescript_types.py    # needs the network

`clients/typescript/openapi.json` holds the schemas that the client sends and reads, and npm `openapi-typescript` makes
`src/api.ts` from them. Node.js and npm come with the development environment. Both files are checked in: to use or test
the client needs neither npm nor the network.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.client.node import PACKAGE, copy_of_package, description, npm  # noqa: E402

(PACKAGE / "openapi.json").write_text(description(), encoding="utf-8")
with tempfile.TemporaryDirectory() as folder:
    made = copy_of_package(Path(folder))
    npm(made, "run", "types")
    shutil.copy(made / "src" / "api.ts", PACKAGE / "src" / "api.ts")
