import { MEASURES } from "./measures";
import { noiseOf, type Results } from "./results";
import { percent, tables } from "./table";

const BEGIN = "<!-- made by `npm run bench -- --write`; do not edit -->";
const END = "<!-- end of what is made -->";

/** The part of docs/performance.md that a run writes. */
function made(results: Results): string {
  const facts = Object.entries({ ...results.machine, ...results.versions }).map(([name, value]) => `${name} ${value}`);
  const pairs = Object.keys(MEASURES).flatMap((measure) => noiseOf(results, measure) ?? []);
  const most = percent(Math.max(1, ...pairs));
  return [
    `One run of ${Math.round(results.seconds)} s on ${results.taken}: ${facts.join(", ")}.`,
    `Two of ours, the same but for their name, differed by ${most} % at most; each row says by how much in its own measure.`,
    ...(results.missing.length > 0 ? [`Not there, so not measured: ${results.missing.join(", ")}.`] : []),
    "",
    tables(results),
  ].join("\n");
}

/** @throws Error for a page without the two marks */
export function withMade(page: string, results: Results): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`The page lacks its marks: ${BEGIN} and ${END}`);
  return `${page.slice(0, from + BEGIN.length)}\n\n${made(results)}\n\n${page.slice(to)}`;
}
