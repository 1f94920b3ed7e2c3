import { connect, createServer, type Socket } from "node:net";

/*
 * A longer way, on this machine: node relay.js FROM TO ROUND_TRIP_MS. Each direction takes half of the round trip.
 * A connection is open at once here, where TCP's own handshake would take a whole round trip: the caller's first bytes
 * wait for it, so that who speaks first, as TLS does, finds what it would find over such a way.
 */
const [from = 0, to = 0, roundTrip = 0] = process.argv.slice(2).map(Number);

createServer({ noDelay: true }, (caller) => {
  const server = connect({ port: to, host: "127.0.0.1", noDelay: true });
  const openAt = performance.now() + roundTrip;
  delayed(caller, server, openAt);
  delayed(server, caller, 0);
}).listen(from, "127.0.0.1");

/** What comes from one goes to the other after half a round trip, in order. */
function delayed(one: Socket, other: Socket, notBefore: number): void {
  const waiting: { due: number; act: () => void }[] = [];
  const release = () => {
    for (let [next] = waiting; next && next.due <= performance.now(); [next] = waiting) {
      waiting.shift();
      next.act();
    }
    // Node's timers may be a millisecond early: who is not due yet waits once more.
    if (waiting[0]) setTimeout(release, Math.ceil(waiting[0].due - performance.now()));
  };
  const later = (act: () => void) => {
    waiting.push({ due: Math.max(performance.now(), notBefore) + roundTrip / 2, act });
    if (waiting.length === 1) release();
  };
  one.on("data", (chunk) => later(() => other.destroyed || other.write(chunk)));
  one.on("end", () => later(() => other.end()));
  one.on("error", () => later(() => other.destroy()));
}
