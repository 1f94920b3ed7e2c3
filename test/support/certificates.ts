import {
  type CertificateProfile,
  caProfile,
  clientProfile,
  parseSettings,
  serverProfile,
} from "@app-builder-mtls/proxy";
import { type Issued, type IssueOptions, issue } from "../../cli/src/certificates";

const SETTINGS = parseSettings({ destinations: [{ url: "https://api.example.com" }] });

export const SECOND_MS = 1_000;
export const DAY_MS = 24 * 60 * 60 * SECOND_MS;

/** A moment so many milliseconds from now. */
export const fromNow = (milliseconds: number): Date => new Date(Date.now() + milliseconds);

export const issueCa = (options: IssueOptions = {}): Promise<Issued> => issue(caProfile(SETTINGS), options);

export const issueServer = (issuer: Issued, options: IssueOptions = {}): Promise<Issued> =>
  issue(serverProfile(SETTINGS), { issuer, names: ["localhost"], ...options });

export const issueClient = (
  issuer: Issued,
  options: IssueOptions & { name?: string; generation?: number; profile?: Partial<CertificateProfile> } = {},
): Promise<Issued> => {
  const { name = "app-builder", generation = 1, profile, ...rest } = options;
  return issue({ ...clientProfile(SETTINGS, { name, generation }), ...profile }, { issuer, ...rest });
};
