/**
 * A file of the machine without what only its readers need: lines that are a comment and nothing else, and Python's
 * docstrings. User data is limited, and whoever wants the reasons reads the repository. A first line stays when it is
 * one that a program reads (`#!`, `#cloud-config`). Works on lines: text that merely looks like a comment (in a
 * heredoc, in a string of several lines) would go too; a test compares what the parsers of both languages understand.
 */
export function withoutComments(name: string, content: string): string {
  const text = name.endsWith(".py") ? withoutDocstrings(content) : content;
  return text
    .split("\n")
    .filter((line, index) => !/^\s*#/.test(line) || (index === 0 && /^#[!a-z]/.test(line)))
    .join("\n");
}

/** A line that begins with three quotes opens one; a class that has nothing else gets the body that Python requires. */
const withoutDocstrings = (content: string): string =>
  content
    .replace(/(?<=:\n)( +)"""(?:(?!""")[\s\S])*"""\n(?!\n*\1\S)/g, "$1pass\n")
    .replace(/^ *"""(?:(?!""")[\s\S])*"""\n/gm, "");
