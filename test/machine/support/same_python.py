"""Says which laid files are another program than their sources, docstrings apart. Usage: same_python.py SOURCE LAID SOURCE LAID…"""

import ast
import sys


def meaning(path):
    """What Python makes of a file: no comment is in there, and docstrings are taken out."""
    with open(path, encoding="utf-8") as file:
        tree = ast.parse(file.read(), feature_version=(3, 9))
    for node in ast.walk(tree):
        if isinstance(getattr(node, "body", None), list):
            node.body = [one for one in node.body if not is_text(one)] or [ast.Pass()]
    return ast.dump(tree)


def is_text(statement):
    """A text that stands for itself does nothing, docstring or not."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)


for source, laid in zip(sys.argv[1::2], sys.argv[2::2]):
    if meaning(source) != meaning(laid):
        print(f"{laid} is not {source}")
