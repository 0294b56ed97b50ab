"""What telemetry_project/settings.py reads from the environment, found in its source."""

import ast
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
UNKNOWN = object()


def environment_settings() -> dict[str, Any]:
    """Name → default of every variable read, UNKNOWN where the default is computed.

    Only the readers that name a variable outright count: `env.str("X", …)`, `_integer("X", …)`.
    """
    source = (ROOT / "telemetry_project/settings.py").read_text()
    found: dict[str, Any] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and _reads_the_environment(node.func) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                found.setdefault(name.value, _default(node))
    return found


def _reads_the_environment(function: ast.expr) -> bool:
    if isinstance(function, ast.Attribute):
        return isinstance(function.value, ast.Name) and function.value.id == "env"
    return isinstance(function, ast.Name) and function.id.startswith("_")


def _default(call: ast.Call) -> Any:
    keywords = [keyword.value for keyword in call.keywords if keyword.arg == "default"]
    node = keywords[0] if keywords else call.args[1] if len(call.args) > 1 else None
    if node is None:
        return UNKNOWN
    try:
        # Constant arithmetic such as `2 << 30` is no literal, so it is computed, without names.
        return eval(compile(ast.Expression(node), "default", "eval"), {"__builtins__": {}})
    except NameError:
        return UNKNOWN
