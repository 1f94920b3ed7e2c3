import type * as pulumi from "@pulumi/pulumi";

/** What every part of a proxy is told: how it is named, what it is tagged with, and whose child it is. */
export interface Part {
  /** The component's name; a part's resources are called `NAME-what`. */
  name: string;
  /** On everything that AWS lets one tag. */
  tags: Record<string, string>;
  child: { parent: pulumi.Resource };
}
