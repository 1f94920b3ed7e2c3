import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** What a test may ask of a process of its own, by name; each is answered with its result. */
type OrdersOf<Orders> = { [Name in keyof Orders]: (argument: never) => unknown };

/** A process of the test's own that does what it is told. */
export interface Helper<Orders extends OrdersOf<Orders>> {
  pid: number | undefined;
  order<Name extends keyof Orders>(
    name: Name,
    argument: Parameters<Orders[Name]>[0],
  ): Promise<Awaited<ReturnType<Orders[Name]>>>;
  stop(): Promise<void>;
}

/**
 * Starts one in a network namespace, which this process itself cannot enter.
 * @param script a module that calls `obey`
 */
export async function startInside<Orders extends OrdersOf<Orders>>(
  namespace: string,
  script: string,
): Promise<Helper<Orders>> {
  const child = spawn("ip", ["netns", "exec", namespace, process.execPath, "--import", "tsx", script], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const order = await orderer<Orders>(child);
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return { pid: child.pid, order, stop };
}

async function orderer<Orders extends OrdersOf<Orders>>(child: ChildProcess): Promise<Helper<Orders>["order"]> {
  interface Answer {
    result?: unknown;
    error?: string;
  }
  const waiting = new Map<number, (answer: Answer) => void>();
  const ready = new Promise((resolve) => waiting.set(0, resolve));
  child.on("message", ({ id, ...answer }: Answer & { id: number }) => waiting.get(id)?.(answer));
  await ready;
  let last = 0;
  return async (name, argument) => {
    const id = ++last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    child.send({ id, order: name, argument });
    const { result, error } = await answered;
    waiting.delete(id);
    if (error) throw new Error(error);
    return result as never;
  };
}

/** Does what it is told, from now on. */
export function obey<Orders extends OrdersOf<Orders>>(orders: Orders): void {
  process.on("message", async ({ id, order, argument }: { id: number; order: keyof Orders; argument: never }) => {
    try {
      process.send?.({ id, result: await orders[order](argument) });
    } catch (error) {
      process.send?.({ id, error: String(error) });
    }
  });
  process.send?.({ id: 0 });
}
