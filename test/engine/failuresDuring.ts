import { type Load, startLoad } from "../machine/support/load";
import { until } from "../support/until";
import { type Deployment, identityOf, placeOf } from "./scene";

/** Calls of each caller that must have been made before a change, and again after it, for both to be in their midst. */
const CALLS = 60;

/** The idempotent calls of these callers that failed before, during and after a change. */
export async function failuresDuring(change: () => Promise<void>, callers: Deployment[]): Promise<Load["failures"]> {
  const loads = callers.map((caller) =>
    startLoad({ ...placeOf(caller), path: "/products", ca: caller.caCert, client: identityOf(caller) }),
  );
  try {
    await Promise.all(loads.map(goesOn));
    await change();
    await Promise.all(loads.map(goesOn));
  } finally {
    await Promise.all(loads.map((load) => load.stop()));
  }
  return loads.flatMap(({ failures }) => failures.filter(({ kind }) => kind !== "kept POST"));
}

async function goesOn({ calls }: Load): Promise<void> {
  const before = calls["kept GET"];
  await until(() => calls["kept GET"] >= before + CALLS, 30_000);
}
