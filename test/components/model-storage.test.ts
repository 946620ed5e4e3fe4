import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { renderModelStorage } from "../../components/model-storage/render";
import { ModelsSettings } from "../../components/model-storage/schema";
import { commands, mockEngine, type Registered, settle, textOf } from "./mock-engine";

const HEADER = "# Written by goblin-host. Change the stack's configuration instead: an edit here is drift.";

const render = (settings: ModelsSettings) =>
  renderModelStorage(ModelsSettings.parse(settings), "goblin-host:models");

describe("ModelStorage", () => {
  let registered: Registered[];
  let components: typeof import("../../components");

  beforeEach(async () => {
    vi.resetModules();
    registered = await mockEngine();
    components = await import("../../components");
  });

  // What a test left unfinished must not meet the mocks of the next one.
  afterEach(settle);

  it("sends the folder, the read-ahead, and the rule that keeps it over reboots", async () => {
    new components.ModelStorage("models", {
      host: { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true },
      readAhead: "4MiB",
      owner: "ollama:ollama",
      mode: "775",
      mount: "required",
      settingPath: "goblin-host:models",
    });
    await settle();
    const [command, ...others] = commands(registered);
    expect(others).toEqual([]);
    expect(textOf(command).replace(/^manager: "[0-9.]+"$/m, 'manager: "VERSION"')).toBe(`bundle: "1"
name: "models"
manager: "VERSION"
owner: "goblin-host/test/models-bundle"
files:
  /etc/udev/rules.d/60-goblin-read-ahead.rules:
    content: |2+
      ${HEADER}
      ACTION=="add|change", SUBSYSTEM=="block", ENV{DEVTYPE}=="disk", KERNEL=="@{disk-of:/srv/models}", ATTR{queue/read_ahead_kb}="4096"
    expand: "true"
    mode: "0644"
folders:
  /srv/models:
    data: "true"
    mode: "0775"
    mount: "required"
    owner: "ollama:ollama"
    setting: "goblin-host:models"
readAhead:
  /srv/models:
    kib: "4096"
    setting: "goblin-host:models.readAhead"
end: true
`);
  });

  it("refuses bad settings all at once, by name", () => {
    const host = { name: "goblin", address: "198.51.100.7", insecureSkipHostKeyCheck: true };
    const make = () =>
      new components.ModelStorage("models", {
        host,
        path: "srv/models",
        readAhead: "2GiB",
        owner: "ollama",
        mode: "0888",
      });
    expect(make).toThrow(
      /path is "srv\/models": [^]*readAhead is "2GiB": [^]*owner is "ollama": [^]*mode is "0888": /,
    );
  });
});

describe("the models bundle", () => {
  it("leaves alone what no setting names", () => {
    expect(render({})).toEqual({
      name: "models",
      folders: { "/srv/models": { data: true, setting: "goblin-host:models" } },
    });
  });

  it("can switch read-ahead off", () => {
    expect(render({ readAhead: 0 }).readAhead).toEqual({
      "/srv/models": { kib: 0, setting: "goblin-host:models.readAhead" },
    });
  });
});
