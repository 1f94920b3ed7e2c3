import { closest } from "fastest-levenshtein";
import { z } from "zod";

/** The fields of an object, and an unknown one answered with the nearest that exists. */
export function only<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? (issue.keys as string[]).map((key) => `unknown setting, did you mean ${closest(key, known)}?`).join("\n")
        : `must be an object with ${known.join(", ")}`,
  });
}

export const text = (allowed: string, holds: (value: string) => boolean) => z.string(allowed).refine(holds, allowed);
export const whole = (least: number, most: number, unit: string) => {
  const allowed = `must be a whole number from ${least} to ${most}${unit && ` (${unit})`}`;
  return z.number(allowed).refine((value) => Number.isInteger(value) && value >= least && value <= most, allowed);
};
export const flag = () => z.boolean("must be true or false");
