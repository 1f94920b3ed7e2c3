import * as pulumi from "@pulumi/pulumi";

/** What a stack's configuration holds for this project, as plain values. */
export interface Configuration {
  /** By top-level key, whatever the keys are: a misspelled one must be seen to be refused. */
  values: Record<string, unknown>;
  /** The top-level keys of which a part, or the whole, is encrypted. */
  encrypted: Set<string>;
}

/** `pulumi.Config` answers only what it is asked for; the runtime knows the keys that nobody asks for, too. */
export function readConfiguration(): Configuration {
  const prefix = `${pulumi.getProject()}:`;
  const ours = Object.entries(pulumi.runtime.allConfig()).filter(([key]) => key.startsWith(prefix));
  return {
    values: Object.fromEntries(ours.map(([key, value]) => [key.slice(prefix.length), parsed(value)])),
    encrypted: new Set(encryptedKeys().map((key) => key.slice(prefix.length))),
  };
}

/** The engine hands everything over as text; an empty one stands for no value, so that Pulumi.yaml can name optional keys. */
function parsed(written: string): unknown {
  if (written === "") return undefined;
  try {
    return JSON.parse(written);
  } catch {
    return written;
  }
}

/** The SDK has no public function for this; the variable is how every language host passes it on. */
function encryptedKeys(): string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]");
}
