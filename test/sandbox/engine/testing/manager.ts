/** A host's manager as far as bundles, their owners and confirmations go: what it holds, and what it answers with. */

import { createHash } from "node:crypto";
import type { Finding } from "../../../../components/observation/status";
import type { Answer, Executed } from "./ssh-server";

interface Held {
  digest: string;
  generation: number;
  owner: string;
  findings: Finding[];
  unconfirmed?: boolean;
  reverted?: string;
}

export class StandInManager {
  held = new Map<string, Held>();
  boot = "00000001-2222";
  /** Bundles whose apply fails. */
  readonly broken = new Set<string>();
  private readonly disowned = new Set<string>();
  /** What a change that waits for its confirmation goes back to. */
  private readonly lastGood = new Map<string, Held | undefined>();

  readonly answer = ({ command, stdin }: Executed): Answer => {
    if (command.includes("status --json")) return { stdout: JSON.stringify(this.status()) };
    const [, verb = "", name = ""] =
      /ai-resource-manager (apply|remove|confirm) ([a-z-]+)/.exec(command) ?? [];
    if (verb === "apply") return this.apply(name, stdin);
    if (verb === "remove") return this.remove(name, / sh '([^']*)'$/.exec(command)?.[1]);
    const waiting = this.held.get(name);
    if (waiting?.unconfirmed === true) this.held.set(name, { ...waiting, unconfirmed: false });
    return {};
  };

  disown(): void {
    for (const name of this.held.keys()) this.disowned.add(name);
  }

  /** The time for a confirmation is over. */
  goBack(reverted: string): void {
    for (const [name, { unconfirmed, generation }] of this.held) {
      if (unconfirmed !== true) continue;
      const good = this.lastGood.get(name);
      if (good === undefined) this.held.delete(name);
      else this.held.set(name, { ...good, generation: generation + 1, unconfirmed: false, reverted });
    }
  }

  private apply(name: string, stdin: string): Answer {
    const owner = /^owner: "(.*)"$/m.exec(stdin)?.[1] ?? "";
    const { generation } = this.held.get(name) ?? { generation: 0 };
    const found = this.ownerOf(name);
    if (found !== "" && found !== owner) return { status: 2, stderr: `bundle ${name} belongs to ${found}\n` };
    if (this.broken.has(name)) return { status: 1, stderr: `bundle ${name} was rolled back\n` };
    const before = this.held.get(name);
    const digest = createHash("sha256").update(stdin).digest("hex");
    const isNew = /^confirm: "/m.test(stdin) && before?.digest !== digest;
    const unconfirmed = before?.unconfirmed === true || isNew;
    if (isNew && before?.unconfirmed !== true) this.lastGood.set(name, before);
    this.held.set(name, { digest, generation: generation + 1, owner, findings: [], unconfirmed });
    this.disowned.delete(name);
    return {};
  }

  private remove(name: string, owner: string | undefined): Answer {
    const found = this.ownerOf(name);
    if (owner === undefined || found === "" || found === owner) this.held.delete(name);
    return {};
  }

  private ownerOf(name: string): string {
    return this.disowned.has(name) ? "" : (this.held.get(name)?.owner ?? "");
  }

  private status(): object {
    if (this.held.size === 0) return { absent: true, boot: this.boot };
    const bundles = [...this.held].map(([name, found]) => ({
      name,
      ...found,
      owner: this.ownerOf(name),
      limits: [],
    }));
    return { version: "1.1.0", busy: false, boot: this.boot, bundles };
  }
}
