import { expect, it } from "vitest";
import { Display, renderReceipts } from "./display";
import type { Diagnostic, EngineEvent } from "./types";

const urn = (name: string): string =>
  `urn:pulumi:prod::goblin-host::goblin-host:index:GoblinHost$command:remote:Command::${name}`;

const diagnostics: Diagnostic[] = [
  { severity: "info", urn: urn("goblin-swap-bundle-apply"), message: "swap:" },
  { severity: "warning", message: "an address for documentation" },
  { severity: "info", urn: urn("goblin-zram-bundle-apply"), message: "zram:\n  zram0: on" },
  { severity: "info", urn: urn("goblin-swap-bundle-apply"), message: "  wrote /etc/a.conf" },
  { severity: "debug", urn: urn("goblin-swap-bundle-apply"), message: "hidden" },
  { severity: "error", urn: urn("goblin-swap-bundle-apply"), message: "no room" },
];

it("shows what was said of a resource together, under its type and name", () => {
  let text = "";
  const display = new Display(false, { write: (part) => (text += part) });
  const events: EngineEvent[] = [
    ...diagnostics.map((diagnostic) => ({ type: "diagnostic" as const, diagnostic })),
    { type: "summary", text: "1 created" },
  ];
  for (const event of events) display.event(event);
  expect(text).toBe(`
Diagnostics:
  command:remote:Command (goblin-swap-bundle-apply):
    swap:
      wrote /etc/a.conf
    error: no room
  stack:
    warning: an address for documentation
  command:remote:Command (goblin-zram-bundle-apply):
    zram:
      zram0: on

Resources: 1 created
`);
});

it("collects the receipts alone", () => {
  expect(renderReceipts(diagnostics)).toBe(`command:remote:Command (goblin-swap-bundle-apply):
  swap:
    wrote /etc/a.conf
command:remote:Command (goblin-zram-bundle-apply):
  zram:
    zram0: on
`);
  expect(renderReceipts([])).toBe("");
});
