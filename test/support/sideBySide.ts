/**
 * `it` for tests that wait more than they work: in their suite so many of them run at once, in the order in which they
 * are written, and mocha tells of each in its turn. A filter of mocha's chooses what it tells, and not what runs.
 */
export function sideBySide(atOnce: number): (title: string, test: () => Promise<void>) => void {
  const waiting: (() => Promise<void>)[] = [];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await next();
  };
  before(() => {
    for (let lanes = 0; lanes < atOnce; lanes++) void lane();
  });
  return (title, test) => {
    const settled = new Promise<{ failure?: unknown }>((resolve) => {
      waiting.push(() =>
        test().then(
          () => resolve({}),
          (failure) => resolve({ failure }),
        ),
      );
    });
    it(title, async () => {
      const { failure } = await settled;
      if (failure) throw failure;
    });
  };
}
