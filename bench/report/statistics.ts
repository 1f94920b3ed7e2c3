/** The middle of some numbers, and where the middle half of them lies. */
export interface Spread {
  median: number;
  /** First and third quartile. */
  low: number;
  high: number;
}

/** @throws RangeError for no numbers at all */
export function spreadOf(values: number[]): Spread {
  const sorted = [...values].sort((one, other) => one - other);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

export const medianOf = (values: number[]): number => spreadOf(values).median;

/** By linear interpolation between neighbours, as R's type 7 and numpy's default. */
function quantile(sorted: number[], part: number): number {
  const place = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) throw new RangeError("a median of nothing");
  return below + (above - below) * (place - Math.floor(place));
}

/** A new order of the same items (Fisher and Yates), so that no side profits from its place. */
export function shuffled<Item>(items: Item[], random: () => number = Math.random): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    const [one, two] = [order[last], order[other]] as [Item, Item];
    order[last] = two;
    order[other] = one;
  }
  return order;
}
