import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../../cli/src/debianPackages";
import { type Helper, startInside } from "../../support/orders";
import { until } from "../../support/until";
import type { Orders } from "./outside";

const exec = promisify(execFile);

/** What an image of a cloud has beside the base system; what the user data installs is here already, because a namespace has no network. */
const PACKAGES =
  "systemd systemd-sysv dbus udev mount procps iproute2 cloud-init python3 ca-certificates openssh-server nginx openssl logrotate";

export type Release = "bookworm" | "sid";

/** A Debian root file system, made once and kept. */
export async function debianImage(release: Release): Promise<string> {
  const image = join(cacheDirectory(), `machine-${release}`);
  if (existsSync(image)) return image;
  mkdirSync(cacheDirectory(), { recursive: true });
  const making = `${image}.${process.pid}`;
  const options = ["--variant=apt", '--aptopt=Acquire::Check-Valid-Until "false"'];
  await exec("mmdebstrap", [...options, `--include=${PACKAGES.replaceAll(" ", ",")}`, release, making], {
    maxBuffer: 64 * 1024 * 1024,
  });
  renameSync(making, image);
  return image;
}

/** The address of the machine, and of everything else, inside the test's own namespaces. */
export const MACHINE_ADDRESS = "10.0.0.10";
export const OUTSIDE_ADDRESS = "10.0.0.1";
export const AWS_ENDPOINT = `http://${OUTSIDE_ADDRESS}:80`;

/** A machine with a real systemd and a real cloud-init in namespaces of its own, on a disk that outlives its boots. */
export interface BootedMachine extends Pick<Helper<Orders>, "order">, AsyncDisposable {
  /** Everything that was written to its disk. */
  written: string;
  boot(): Promise<void>;
  /** As if the power failed. */
  cutPower(): Promise<void>;
  /** Runs a command inside; rejects when it fails. */
  run(...command: string[]): Promise<string>;
}

export async function makeMachine(image: string): Promise<BootedMachine> {
  const disk = mkdtempSync(join(tmpdir(), "mtls-proxy-disk-"));
  const names = { inside: `mtls-in-${process.pid}`, outside: `mtls-out-${process.pid}` };
  makeNetwork(names);
  // the image of a cloud knows which cloud it is for; a namespace has no firmware that would tell
  mkdirSync(join(disk, "written/etc/cloud/cloud.cfg.d"), { recursive: true });
  writeFileSync(
    join(disk, "written/etc/cloud/cloud.cfg.d/99-test.cfg"),
    "datasource_list: [Ec2]\ndatasource: {Ec2: {strict_id: false, max_wait: 20, timeout: 5}}\nnetwork: {config: disabled}\nlocale: C.UTF-8\n",
  );
  const outside = await startInside<Orders>(names.outside, join(__dirname, "outside.ts"));
  const controlGroup = makeControlGroup(names.inside);
  let running: { shell: ChildProcess; init: number } | undefined;

  const machine: BootedMachine = {
    written: join(disk, "written"),
    boot: async () => {
      const shell = spawn("ip", ["netns", "exec", names.inside, ...unshared(controlGroup.path, image, disk)], {
        stdio: ["ignore", "inherit", "inherit"],
      });
      const init = await childOf(shell);
      running = { shell, init };
      await until(() => isSystemd(init), 60_000);
    },
    cutPower: async () => {
      if (!running) return;
      const { shell, init } = running;
      const ended = once(shell, "exit");
      process.kill(init, "SIGKILL");
      await ended;
      running = undefined;
    },
    run: async (...command) => {
      if (!running) throw new Error("the machine is off");
      const { stdout } = await exec("nsenter", ["--target", `${running.init}`, "--all", "--", ...command], {
        maxBuffer: 64 * 1024 * 1024,
      });
      return stdout;
    },
    order: outside.order,
    [Symbol.asyncDispose]: async () => {
      await machine.cutPower();
      await outside.stop();
      await controlGroup.remove();
      for (const name of Object.values(names)) execFileSync("ip", ["netns", "delete", name]);
      rmSync(disk, { recursive: true, force: true });
    },
  };
  return machine;
}

/** Two network namespaces with a cable between them; the metadata service's address is at the other end, as in a VPC. */
function makeNetwork({ inside, outside }: { inside: string; outside: string }): void {
  for (const command of [
    `netns add ${inside}`,
    `netns add ${outside}`,
    `-n ${inside} link add eth0 address 02:00:00:00:00:01 type veth peer name eth0 netns ${outside}`,
    `-n ${inside} address add ${MACHINE_ADDRESS}/24 dev eth0`,
    `-n ${outside} address add ${OUTSIDE_ADDRESS}/24 dev eth0`,
    `-n ${outside} address add 169.254.169.254/32 dev eth0`,
    ...[inside, outside].flatMap((name) => [`-n ${name} link set lo up`, `-n ${name} link set eth0 up`]),
    `-n ${inside} route add default via ${OUTSIDE_ADDRESS}`,
  ])
    execFileSync("ip", command.split(" "));
}

const unshared = (controlGroup: string, image: string, disk: string): string[] => [
  "sh",
  "-c",
  'echo $$ > "$0/cgroup.procs" && exec unshare --mount --pid --ipc --uts --cgroup --fork --kill-child=KILL "$@"',
  controlGroup,
  join(__dirname, "boot.sh"),
  image,
  disk,
];

/** A control group of the machine's own, wherever this system keeps its own. */
function makeControlGroup(name: string) {
  const hierarchy = mkdtempSync(join(tmpdir(), "mtls-proxy-cgroup-"));
  execFileSync("mount", ["-t", "cgroup2", "cgroup2", hierarchy]);
  const path = join(hierarchy, name);
  mkdirSync(path);
  const remove = async () => {
    await until(() => readFileSync(join(path, "cgroup.events"), "utf8").includes("populated 0"), 60_000);
    const groups = execFileSync("find", [path, "-depth", "-type", "d"], { encoding: "utf8" }).trim().split("\n");
    for (const group of groups) rmdirSync(group);
    execFileSync("umount", [hierarchy]);
    rmdirSync(hierarchy);
  };
  return { path, remove };
}

async function childOf({ pid }: ChildProcess): Promise<number> {
  let child = "";
  await until(() => {
    child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return child !== "";
  }, 10_000);
  return Number(child);
}

const isSystemd = (pid: number): boolean => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "systemd";
