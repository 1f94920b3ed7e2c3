import assert from "node:assert/strict";
import { withoutComments } from "../machine/comments";

const stripped = (name: string, ...lines: string[]): string[] => withoutComments(name, lines.join("\n")).split("\n");

describe("a file without its comments", () => {
  it("keeps a first line that programs read, and loses one that is for people", () => {
    assert.deepEqual(stripped("x.sh", "#!/bin/sh", "# why", "true"), ["#!/bin/sh", "true"]);
    assert.deepEqual(stripped("x.yaml", "#cloud-config", "# why", "a: 1"), ["#cloud-config", "a: 1"]);
    assert.deepEqual(stripped("x.conf", "# why", "size 1"), ["size 1"]);
    assert.deepEqual(stripped("x.sh", "true", "#!/bin/sh"), ["true"]);
  });

  it("loses whole lines alone, however deep they stand", () => {
    assert.deepEqual(stripped("x.sh", "if true; then", "    # why", '    echo "a # b" # c', "fi", "", "echo $#"), [
      "if true; then",
      '    echo "a # b" # c',
      "fi",
      "",
      "echo $#",
    ]);
  });

  it("loses Python's docstrings, of one line and of several", () => {
    const module = ['"""What it is.', "", "# no comment, but words", '"""', "", "A = 1", '"""Seconds."""'];
    const body = [
      "def f():",
      '    """Why."""',
      '    return """x"""',
      "",
      "class C:",
      '    """Why."""',
      "",
      "    a = 1",
    ];
    assert.deepEqual(stripped("x.py", ...module, ...body, ""), [
      ...["", "A = 1", "def f():", '    return """x"""', "", "class C:", "", "    a = 1", ""],
    ]);
    assert.deepEqual(stripped("x.sh", '"""', "", ""), ['"""', "", ""], "of Python alone");
  });

  it("gives a body to what had a docstring and nothing else", () => {
    const classes = [
      "class A(E):",
      '    """Why."""',
      "",
      "",
      "class B(E):",
      "    def f(self):",
      '        """Why,',
      '        and how."""',
      "",
    ];
    assert.deepEqual(stripped("x.py", ...classes), [
      "class A(E):",
      "    pass",
      "",
      "",
      "class B(E):",
      "    def f(self):",
      "        pass",
      "",
    ]);
  });
});
