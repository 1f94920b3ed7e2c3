import { MEASURES, type MeasureName, SIDES, type SideName } from "./measures";
import { type Results, ratioOf } from "./results";
import { number } from "./table";

/** What the chart shows: one measure a panel, a bar a side. */
const PANELS: { measure: MeasureName; sides: SideName[] }[] = [
  { measure: "client", sides: ["guide", "https", "undici", "node-fetch"] },
  { measure: "cpu.64", sides: ["guide", "haproxy", "caddy", "stunnel", "node", "direct-mtls"] },
  { measure: "handshake.full", sides: ["guide", "haproxy", "caddy", "stunnel", "node", "direct-mtls"] },
  { measure: "first.built", sides: ["guide", "https", "undici"] },
  { measure: "rtt20.warm", sides: ["guide"] },
];

const WIDTH = 760;
const LABELS = 170;
const FIGURES = 70;
const BAR = 16;
const ROW = 22;
const HEAD = 34;

/**
 * How many times ours each side took, on a logarithmic scale, as an SVG that reads on white and on black.
 * Its colours follow the reader's scheme where a browser draws it, and are mid-tones where none does.
 */
export function chart(results: Results): string {
  const panels = PANELS.map(({ measure, sides }) => ({ measure, bars: barsOf(results, measure, sides) })).filter(
    ({ bars }) => bars.length > 1,
  );
  const ratios = panels.flatMap(({ bars }) => bars.map(({ ratio }) => ratio));
  const range = { least: Math.min(1, ...ratios) / 2, most: Math.max(2, ...ratios) };
  let top = 0;
  const drawn = panels.map(({ measure, bars }) => {
    const panel = drawPanel(measure, bars, top, range);
    top += HEAD + bars.length * ROW + 10;
    return panel;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${top}" viewBox="0 0 ${WIDTH} ${top}" role="img" aria-label="How many times ours each side took">`,
    `<style>text{font:13px system-ui,sans-serif;fill:#777}.title{font-weight:600}.ours{fill:#2a8f5b}.other{fill:#8a8f98}`,
    "@media (prefers-color-scheme:dark){text{fill:#c4c8ce}.ours{fill:#4cc38a}.other{fill:#7d838c}}",
    "@media (prefers-color-scheme:light){text{fill:#333}}</style>",
    ...drawn,
    "</svg>",
    "",
  ].join("\n");
}

interface Range {
  least: number;
  most: number;
}

interface Bar {
  side: SideName;
  ratio: number;
}

function barsOf(results: Results, measure: MeasureName, sides: SideName[]): Bar[] {
  const others = sides.flatMap((side) => {
    const ratio = ratioOf(results, measure, side, "ours")?.median;
    return ratio === undefined ? [] : [{ side, ratio }];
  });
  return [{ side: "ours" as const, ratio: 1 }, ...others].sort((one, other) => one.ratio - other.ratio);
}

function drawPanel(measure: MeasureName, bars: Bar[], top: number, { least, most }: Range): string {
  const scale = (ratio: number) => (Math.log(ratio / least) / Math.log(most / least)) * (WIDTH - LABELS - FIGURES);
  const rows = bars.map(({ side, ratio }, index) => {
    const y = top + HEAD + index * ROW;
    const width = scale(ratio).toFixed(1);
    return [
      `<text x="${LABELS - 8}" y="${y + 12}" text-anchor="end">${SIDES[side]}</text>`,
      `<rect class="${side === "ours" ? "ours" : "other"}" x="${LABELS}" y="${y}" width="${width}" height="${BAR}" rx="2"/>`,
      `<text x="${(LABELS + Number(width) + 6).toFixed(1)}" y="${y + 12}">${number(ratio)}</text>`,
    ].join("");
  });
  return [`<text class="title" x="0" y="${top + 20}">${MEASURES[measure].title}, times ours</text>`, ...rows].join(
    "\n",
  );
}
