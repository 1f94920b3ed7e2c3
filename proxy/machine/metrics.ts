/** A number that each machine sends to CloudWatch once a minute, without dimensions. */
interface MachineMetric {
  name: string;
  /** Of CloudWatch's units. */
  unit: "Count" | "Percent" | "None";
  meaning: string;
}

/** All that a machine sends beside its access log; `files/telemetry/metrics.py` measures them. */
export const MACHINE_METRICS = [
  {
    name: "Serving",
    unit: "None",
    meaning: "1 when nginx serves the bundle that the machine has made current, else 0",
  },
  {
    name: "SyncFailing",
    unit: "None",
    meaning: "1 when sync reports a problem, or has reported nothing for 5 minutes, else 0",
  },
  { name: "BundleCurrent", unit: "None", meaning: "1 when nginx serves the bundle that the secret holds, else 0" },
  {
    name: "ServerCertificateDaysLeft",
    unit: "None",
    meaning: "days until the first of the server's certificate and the CAs ends",
  },
  { name: "MemoryUsedPercent", unit: "Percent", meaning: "memory that is not available to programs" },
  { name: "DiskUsedPercent", unit: "Percent", meaning: "space of the root file system that is used" },
  { name: "LogLinesLost", unit: "Count", meaning: "lines of the access log that could not be sent" },
] as const satisfies readonly MachineMetric[];
