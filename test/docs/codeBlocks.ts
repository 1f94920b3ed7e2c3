import { readFile } from "node:fs/promises";

export interface CodeBlock {
  language: string;
  text: string;
}

/** The fenced blocks of a Markdown file, in order. */
export async function codeBlocks(file: string): Promise<CodeBlock[]> {
  const blocks = (await readFile(file, "utf8")).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, language = "", text = ""]) => ({ language, text: text.trimEnd() }));
}
