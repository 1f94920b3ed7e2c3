import { execFileSync } from "node:child_process";

const ip = (command: string): string => execFileSync("ip", command.split(" "), { encoding: "utf8" });

/** Where everything is that is no machine: callers, load balancer, backend, AWS. */
export const OUTSIDE = "10.0.0.1";
export const BALANCER = "10.0.0.2";
export const addressOf = (machine: number): string => `10.0.0.${10 + machine}`;

/** A network of the test's own: a namespace for all that is outside, one for each machine, a switch between them. */
export interface Network extends AsyncDisposable {
  outside: string;
  /** By the machine's number, from 1. */
  machine(number: number): string;
  /** As if the cable was pulled: nobody is told that a connection has ended. */
  cut(number: number): void;
}

export function makeNetwork(machines: number): Network {
  // a process may have several
  const prefix = `mtls-c-${process.pid}-${Math.random().toString(36).slice(2, 6)}`;
  const outside = `${prefix}-out`;
  const machine = (number: number) => `${prefix}-${number}`;
  const numbers = Array.from({ length: machines }, (_, index) => index + 1);
  for (const command of [
    `netns add ${outside}`,
    `-n ${outside} link set lo up`,
    `-n ${outside} link add switch type bridge`,
    `-n ${outside} address add ${OUTSIDE}/24 dev switch`,
    `-n ${outside} address add ${BALANCER}/24 dev switch`,
    `-n ${outside} link set switch up`,
    ...numbers.flatMap((number) => [
      `netns add ${machine(number)}`,
      `-n ${machine(number)} link add eth0 type veth peer name port${number} netns ${outside}`,
      `-n ${machine(number)} address add ${addressOf(number)}/24 dev eth0`,
      `-n ${machine(number)} link set lo up`,
      `-n ${machine(number)} link set eth0 up`,
      `-n ${outside} link set port${number} master switch`,
      `-n ${outside} link set port${number} up`,
    ]),
  ])
    ip(command);
  return {
    outside,
    machine,
    cut: (number) => void ip(`-n ${outside} link set port${number} down`),
    [Symbol.asyncDispose]: async () => {
      for (const name of [...numbers.map(machine), outside]) ip(`netns delete ${name}`);
    },
  };
}
